use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex};

use super::*;

/// A control port that answers each command with the next text.
fn scripted(answers: &'static [&'static str]) -> ControlPort {
    let (ours, theirs) = duplex(64 * 1024);
    tokio::spawn(async move {
        let mut stream = BufReader::new(theirs);
        for answer in answers {
            let mut command = String::new();
            if stream.read_line(&mut command).await.unwrap() == 0 {
                return;
            }
            stream.get_mut().write_all(answer.as_bytes()).await.unwrap();
        }
    });
    ControlPort::new(Box::new(ours))
}

#[tokio::test]
async fn a_value_that_a_filter_keeps_back_is_no_error() {
    let mut port = scripted(&[
        "552 Unrecognized key\r\n",
        "250-version=1\r\n250 OK\r\n",
        "510 Command filtered\r\n",
    ]);
    assert_eq!(port.info("traffic/read").await, Ok(None));
    assert_eq!(port.info("version").await, Ok(Some("1".to_owned())));
    assert_eq!(port.info("circuit-status").await, Ok(None));
}

#[tokio::test]
async fn a_web_server_and_a_port_that_ends_are_told_apart_from_tor() {
    let mut port = scripted(&["HTTP/1.1 400 Bad Request\r\n\r\n"]);
    assert_eq!(port.protocol_info().await, Err(ControlError::Garbled));
    let mut port = scripted(&["250 OK\r\n"]);
    assert_eq!(port.protocol_info().await, Err(ControlError::Garbled));
    let mut port = scripted(&[]);
    assert_eq!(port.protocol_info().await, Err(ControlError::Closed));
}

#[tokio::test]
async fn an_endless_line_is_given_up() {
    let (ours, mut theirs) = duplex(4096);
    tokio::spawn(async move { while theirs.write_all(&[b'2'; 4096]).await.is_ok() {} });
    let mut port = ControlPort::new(Box::new(ours));
    assert_eq!(port.protocol_info().await, Err(ControlError::Garbled));
}

#[tokio::test]
async fn a_port_that_is_silent_is_given_up() {
    let (ours, _theirs) = duplex(4096);
    let mut port = ControlPort::new(Box::new(ours));
    assert_eq!(port.protocol_info().await, Err(ControlError::Silent));
}

#[tokio::test]
async fn mallory_who_does_not_know_the_cookie_is_not_believed() {
    let zeros = "0000000000000000000000000000000000000000000000000000000000000000";
    let answer: &'static str =
        Box::leak(format!("250 AUTHCHALLENGE SERVERHASH={zeros} SERVERNONCE={zeros}\r\n").into_boxed_str());
    let mut port = scripted(Box::leak(vec![answer, "250 OK\r\n"].into_boxed_slice()));
    assert_eq!(
        port.authenticate_by_cookie(&Cookie::new([1; 32])).await,
        Err(ControlError::Garbled)
    );
}

#[tokio::test]
async fn nothing_can_be_smuggled_into_a_command() {
    let mut port = scripted(&["250 OK\r\n"]);
    assert_eq!(
        port.authenticate_by_password("a\r\nSIGNAL HALT").await,
        Err(ControlError::Garbled)
    );
}
