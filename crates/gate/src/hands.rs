//! Errands from async code, and what the environment says: what every way out needs from outside the walls.
//! It must never block a worker, nor go on without a porter as if there were one.
//! Standard: see `errands`.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::control::{Cookie, Listener};
use crate::environment::Environment;
use crate::errands::{Errand, Errands};
use crate::outward::Carried;

/// The gate's porter and its environment.
#[derive(Clone)]
pub(crate) struct Hands {
    errands: Option<Arc<dyn Errands>>,
    pub(crate) environment: Arc<Environment>,
}

impl Hands {
    pub(crate) fn new(errands: Option<Arc<dyn Errands>>) -> Hands {
        Hands {
            errands,
            environment: Arc::new(Environment::of_this_process()),
        }
    }

    /// Whether there is a porter.
    pub(crate) fn any(&self) -> bool {
        self.errands.is_some()
    }

    /// Has an errand carried out.
    ///
    /// # Errors
    /// As the porter says; `Unsupported` without one.
    pub(crate) async fn carry_out(&self, errand: Errand) -> io::Result<OwnedFd> {
        let errands = self.errands.clone().ok_or(io::ErrorKind::Unsupported)?;
        let carried = tokio::task::spawn_blocking(move || errands.carry_out(&errand)).await;
        carried.map_err(|_| io::Error::from(io::ErrorKind::Other))?
    }

    /// Has a socket opened by its path, or a program started.
    pub(crate) async fn stream(&self, errand: Errand) -> io::Result<UnixStream> {
        let stream = std::os::unix::net::UnixStream::from(self.carry_out(errand).await?);
        stream.set_nonblocking(true)?;
        UnixStream::from_std(stream)
    }

    /// Has a cookie opened, and reads it.
    pub(crate) async fn cookie(&self, errand: Errand) -> io::Result<Cookie> {
        let file = tokio::task::spawn_blocking({
            let fd = self.carry_out(errand).await?;
            move || read_cookie(std::fs::File::from(fd))
        });
        file.await.map_err(|_| io::Error::from(io::ErrorKind::Other))?
    }

    /// Opens a place where Tor takes streams or commands.
    pub(crate) async fn open(&self, place: &Listener) -> io::Result<Box<dyn Carried>> {
        match place {
            Listener::Tcp(address) => Ok(Box::new(tcp(*address).await?)),
            Listener::Unix(path) => Ok(Box::new(self.stream(Errand::Socket(path.clone())).await?)),
        }
    }

    /// Whether it is Tor that takes streams there: it answers a web browser in its own way.
    pub(crate) async fn answers_as_tor(&self, place: &Listener) -> bool {
        const ANSWER: &[u8] = b"Tor is not an HTTP Proxy";
        let asking = async {
            let mut stream = self.open(place).await?;
            stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
            stream.flush().await?;
            let mut heard = Vec::new();
            stream.take(1024).read_to_end(&mut heard).await?;
            io::Result::Ok(heard.windows(ANSWER.len()).any(|part| part == ANSWER))
        };
        let asked = tokio::time::timeout(std::time::Duration::from_secs(3), asking).await;
        matches!(asked, Ok(Ok(true)))
    }
}

fn read_cookie(mut file: std::fs::File) -> io::Result<Cookie> {
    use std::io::Read;
    let mut bytes = [0; Cookie::LENGTH];
    file.read_exact(&mut bytes)?;
    if file.read(&mut [0])? != 0 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Cookie::new(bytes))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the way out itself, to a Tor that already runs, on this computer or where the environment names it"
)]
pub(crate) async fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    TcpStream::connect(address).await
}
