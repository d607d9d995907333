//! Finding a Tor that already runs: where to look, and what it has to prove.
//! It must never take a program for Tor because it listens in the usual place.
//! Standard: Tor's control-spec 3.24 and 3.5; the usual ports of Tor Browser (9150, 9151) and of distributions (9050, 9051).

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use door::{Cause, ControlPlace, Running};

use crate::control::{ControlError, ControlPort, Listener, ProtocolInfo, listeners};
use crate::errands::Errand;
use crate::hands::{Hands, tcp};

/// What is known of a Tor that was found.
#[derive(Debug)]
pub(super) struct Found {
    /// Where it takes streams.
    pub(super) socks: Listener,
    /// Its version, where it tells.
    pub(super) version: Option<String>,
}

/// Where to look for one Tor.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    control: Listener,
    /// Where it takes streams if it does not say so itself.
    socks: Vec<Listener>,
}

/// Looks in all places; the first Tor that has proven to be one.
pub(super) async fn search(settings: &Running, hands: &Hands) -> Result<(Found, ControlPort), Cause> {
    let places = places(settings, hands);
    let mut worst = Cause::RunningAbsent;
    for place in &places {
        match look(place, settings, hands).await {
            Ok(found) => return Ok(found),
            Err(cause) => worst = graver(worst, cause),
        }
    }
    if worst == Cause::RunningAbsent && anything_listens(&places, hands).await {
        return Err(Cause::RunningNotTor);
    }
    Err(worst)
}

fn places(settings: &Running, hands: &Hands) -> Vec<Place> {
    let local = |port| Listener::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let named = hands.environment.socks().cloned();
    let place = |control, usual: Vec<Listener>| Place {
        control,
        socks: named.iter().cloned().chain(usual).collect(),
    };
    let listener = |place: &ControlPlace| match place {
        ControlPlace::Tcp(address) => Listener::Tcp(*address),
        ControlPlace::Unix(path) => Listener::Unix(path.clone()),
    };
    if let Some(control) = &settings.control {
        let beside = match control {
            ControlPlace::Tcp(address) if address.port() > 1 => {
                vec![Listener::Tcp(SocketAddr::new(address.ip(), address.port() - 1))]
            }
            _ => Vec::new(),
        };
        return vec![place(listener(control), beside)];
    }
    let mut places = Vec::new();
    if let Some(control) = hands.environment.control() {
        places.push(place(listener(control), Vec::new()));
    }
    places.push(place(local(9151), vec![local(9150)]));
    let system = vec![Listener::Unix("/run/tor/socks".into()), local(9050)];
    places.push(place(Listener::Unix("/run/tor/control".into()), system));
    places.push(place(local(9051), vec![local(9050)]));
    places
}

/// The cause that a person can do most about.
fn graver(one: Cause, other: Cause) -> Cause {
    let weight = |cause: &Cause| match cause {
        Cause::RunningPassword => 4,
        Cause::RunningPasswordMissing => 3,
        Cause::RunningLocked => 2,
        Cause::RunningNotTor => 1,
        _ => 0,
    };
    if weight(&other) > weight(&one) { other } else { one }
}

async fn look(place: &Place, settings: &Running, hands: &Hands) -> Result<(Found, ControlPort), Cause> {
    let stream = hands
        .open(&place.control)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => Cause::RunningLocked,
            _ => Cause::RunningAbsent,
        })?;
    let mut control = ControlPort::new(stream);
    let info = control.protocol_info().await.map_err(|_| Cause::RunningNotTor)?;
    authenticate(&mut control, &info, settings, hands).await?;
    let told = control.info("net/listeners/socks").await;
    let told = told.map_err(|_| Cause::RunningAbsent)?;
    let version = match info.version {
        Some(version) => Some(version),
        None => control.info("version").await.map_err(|_| Cause::RunningAbsent)?,
    };
    let socks = entrance(place, told.as_deref(), hands)
        .await
        .ok_or(Cause::RunningNotTor)?;
    Ok((Found { socks, version }, control))
}

/// Proves it by the cookie wherever there is one; otherwise by what is asked for.
async fn authenticate(
    control: &mut ControlPort,
    info: &ProtocolInfo,
    settings: &Running,
    hands: &Hands,
) -> Result<(), Cause> {
    let refused = |cause: Cause| {
        move |error: ControlError| match error {
            ControlError::Refused(_) => cause,
            _ => Cause::RunningNotTor,
        }
    };
    let password = settings.password.as_ref().or(hands.environment.password());
    if info.safe_cookie {
        let path = hands.environment.cookie().map(std::path::Path::to_owned);
        let path = path.or_else(|| info.cookie_file.clone());
        let cookie = match path {
            Some(path) => hands.cookie(Errand::Cookie(path)).await.ok(),
            None => None,
        };
        match (cookie, password.filter(|_| info.password)) {
            (Some(cookie), _) => {
                let proven = control.authenticate_by_cookie(&cookie).await;
                return proven.map_err(refused(Cause::RunningLocked));
            }
            (None, None) => return Err(Cause::RunningLocked),
            (None, Some(_)) => {}
        }
    }
    if info.password {
        let password = password.ok_or(Cause::RunningPasswordMissing)?;
        let given = control.authenticate_by_password(password.expose_secret()).await;
        return given.map_err(refused(Cause::RunningPassword));
    }
    if info.null {
        let given = control.authenticate_by_nothing().await;
        return given.map_err(refused(Cause::RunningNotTor));
    }
    Err(Cause::RunningNotTor)
}

/// The first place that takes streams: what the environment names, then what Tor itself names (a socket before a port),
/// then the usual ones, which have to answer as Tor does.
async fn entrance(place: &Place, told: Option<&str>, hands: &Hands) -> Option<Listener> {
    let mut named: Vec<Listener> = told.map(listeners).unwrap_or_default();
    named.retain(|listener| match listener {
        Listener::Tcp(address) => address.ip().is_loopback(),
        Listener::Unix(_) => true,
    });
    named.sort_by_key(|listener| matches!(listener, Listener::Tcp(_)));
    for listener in named {
        if hands.open(&listener).await.is_ok() {
            return Some(listener);
        }
    }
    for listener in &place.socks {
        if hands.answers_as_tor(listener).await {
            return Some(listener.clone());
        }
    }
    None
}

/// Whether something takes connections where Tor would take streams.
async fn anything_listens(places: &[Place], hands: &Hands) -> bool {
    for listener in places.iter().flat_map(|place| &place.socks) {
        let open = match listener {
            Listener::Tcp(address) => tcp(*address).await.is_ok(),
            Listener::Unix(_) => hands.open(listener).await.is_ok(),
        };
        if open {
            return true;
        }
    }
    false
}
