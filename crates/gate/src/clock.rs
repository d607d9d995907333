//! How far the clock of this computer is off, by what relays say whom Arti speaks to anyway.
//! It must never contact anybody whom Arti would not (a guard, a bridge, a relay that every Tor begins with), nor set a clock.
//! Standard: tor-spec, "NETINFO cells" (they carry the sender's time); Arti's own estimate wants eight relays and a minute.

use std::sync::Arc;
use std::time::Duration;

use arti_client::{TorClient, TorClientConfig};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tor_chanmgr::ChannelUsage;
use tor_circmgr::DirInfo;
use tor_dircommon::fallback::FallbackList;
use tor_guardmgr::bridge::BridgeConfig;
use tor_linkspec::{HasAddrs, OwnedChanTarget};
use tor_netdir::Timeliness;
use tor_proto::ClockSkew;
use tor_rtcompat::PreferredRuntime;

/// The pause before the first look, and the longest one between two; doubled each time while Tor is not ready.
const FIRST_PAUSE: Duration = Duration::from_secs(3);
const LONGEST_PAUSE: Duration = Duration::from_secs(48);
/// How long one relay may take to say the time.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// Less than this does not stop Tor, in seconds.
const BORNE: i64 = 60 * 60;

/// Whom Arti speaks to before it knows the network: the bridges, or the relays that every Tor begins with, as far as `ports`
/// (where there are any) let it.
pub(crate) fn beginners(config: &TorClientConfig, ports: &[u16]) -> Vec<OwnedChanTarget> {
    let bridges: &[BridgeConfig] = config.as_ref();
    if !bridges.is_empty() {
        return bridges.iter().map(OwnedChanTarget::from_chan_target).collect();
    }
    let relays: &FallbackList = config.as_ref();
    let open = |port: u16| ports.is_empty() || ports.contains(&port);
    let reached = relays
        .iter()
        .filter(|relay| relay.addrs().all(|address| open(address.port())));
    reached.map(OwnedChanTarget::from_chan_target).collect()
}

/// Says by how many seconds the clock is ahead of the network (negative: behind), for as long as Tor is not ready and where
/// that is more than Tor bears. One relay's word: told as an estimate, and only while something is wrong.
pub(crate) async fn watch(
    client: Arc<TorClient<PreferredRuntime>>,
    beginners: Vec<OwnedChanTarget>,
    off: watch::Sender<Option<i64>>,
) {
    let mut pause = FIRST_PAUSE;
    loop {
        sleep(pause).await;
        if client.bootstrap_status().ready_for_traffic() {
            off.send_replace(None);
            pause = FIRST_PAUSE;
            continue;
        }
        let skew = match ask(&client).await {
            None => ask_a_beginner(&client, &beginners).await,
            told => told,
        };
        if let Some(skew) = skew {
            off.send_replace(seconds(skew));
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// What the relay says that Arti would fetch the directory from; `None` where none answers.
async fn ask(client: &TorClient<PreferredRuntime>) -> Option<ClockSkew> {
    let circuits = client.circmgr().ok()?;
    let asking = timeout(ANSWER_WAIT, circuits.get_or_launch_dir(DirInfo::Nothing));
    match asking.await.ok()? {
        Ok(tunnel) => tunnel.first_hop_clock_skew().await.ok(),
        Err(error) => said_meanwhile(&error),
    }
}

/// The same where Arti has no directory and goes on trying one such relay after the other.
async fn ask_a_beginner(
    client: &TorClient<PreferredRuntime>,
    beginners: &[OwnedChanTarget],
) -> Option<ClockSkew> {
    if client.dirmgr().ok()?.netdir(Timeliness::Unchecked).is_ok() {
        return None;
    }
    let mut number = [0; 4];
    getrandom::fill(&mut number).ok()?;
    let number = usize::try_from(u32::from_le_bytes(number)).ok()?;
    let relay = beginners.get(number.checked_rem(beginners.len())?)?;
    let channels = client.chanmgr().ok()?;
    let asking = timeout(ANSWER_WAIT, channels.get_or_launch(relay, ChannelUsage::Dir));
    match asking.await.ok()? {
        Ok((channel, _)) => Some(channel.clock_skew()),
        Err(error) => error.clock_skew(),
    }
}

/// A relay whose certificates seem out of date has said the time all the same, and signed it.
fn said_meanwhile(error: &tor_circmgr::Error) -> Option<ClockSkew> {
    match error {
        tor_circmgr::Error::Channel { cause, .. } => cause.clock_skew(),
        tor_circmgr::Error::PendingFailed(error) => said_meanwhile(error),
        tor_circmgr::Error::RequestFailed(errors) => errors.sources().find_map(|error| said_meanwhile(error)),
        _ => None,
    }
}

fn seconds(skew: ClockSkew) -> Option<i64> {
    let amount = i64::try_from(skew.magnitude().as_secs()).unwrap_or(i64::MAX);
    match skew {
        ClockSkew::Fast(_) if amount >= BORNE => Some(amount),
        ClockSkew::Slow(_) if amount >= BORNE => Some(-amount),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clock_that_is_off_by_an_hour_is_a_cause() {
        let of = Duration::from_secs;
        for (skew, told) in [
            (ClockSkew::None, None),
            (ClockSkew::Fast(of(3599)), None),
            (ClockSkew::Slow(of(3599)), None),
            (ClockSkew::Fast(of(3600)), Some(3600)),
            (ClockSkew::Slow(of(259_200)), Some(-259_200)),
            (ClockSkew::Slow(of(u64::MAX)), Some(-i64::MAX)),
        ] {
            assert_eq!(seconds(skew), told, "{skew:?}");
        }
    }
}
