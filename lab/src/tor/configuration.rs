//! Texts that Tor and Arti read: torrc for relays, client and service, TOML for Arti's client.
//! Never used outside the lab: `TestingTorNetwork` and `allow_local_addrs` undo protections.
//! tor(1); Arti's configuration reference.

use std::fmt::Write;
use std::path::Path;

use super::Relay;
use crate::info::LabInfo;

/// Seconds between consensuses after the first: long enough for nothing to change in a test run.
const VOTING_INTERVAL: u32 = 300;

/// Minutes. C Tor ignores this on a testing network and uses 24 voting intervals; Arti obeys it.
/// Both must agree on where onion service descriptors lie.
const DIRECTORY_PERIOD: u32 = 24 * VOTING_INTERVAL / 60;

/// Seconds between the first votes; the start is aligned to it.
pub(super) const INITIAL_INTERVAL: u64 = 10;

/// What every node says, with the authorities that it trusts.
fn common(name: &str, dir: &Path, relays: &[Relay]) -> String {
    let mut text = format!(
        "TestingTorNetwork 1\nNickname {name}\nDataDirectory {dir}\nAddress 127.0.0.1\nProtocolWarnings 1\n\
         SafeLogging 0\nLog notice file {dir}/notice.log\nLogTimeGranularity 1\nShutdownWaitLength 0\n\
         AvoidDiskWrites 1\nRunAsDaemon 0\nPathsNeededToBuildCircuits 0.67\nDisableDebuggerAttachment 0\nNumCPUs 1\n\
         ControlSocket {dir}/control.sock\nGeoIPFile /dev/null\nGeoIPv6File /dev/null\n",
        dir = dir.display()
    );
    for relay in relays {
        let _infallible = writeln!(
            text,
            "DirAuthority {} orport={} no-v2 v3ident={} 127.0.0.1:{} {}",
            relay.name, relay.or_port, relay.names.authority, relay.dir_port, relay.names.rsa
        );
    }
    text
}

/// A relay that is authority, guard, exit and onion service directory at once: plain relays enter
/// the consensus only minutes later.
pub(super) fn relay(relay: &Relay, relays: &[Relay]) -> String {
    let dir = relay.dir.display();
    let (or_port, dir_port) = (relay.or_port, relay.dir_port);
    let start = common(&relay.name, &relay.dir, relays);
    format!(
        "{start}CookieAuthentication 0\nSocksPort 0\nORPort 127.0.0.1:{or_port} IPv4Only\nExitRelay 1\n\
         ExitPolicyRejectPrivate 0\nExitPolicy accept 127.0.0.0/8:*\nExitPolicy accept private:*\n\
         ExitPolicy accept *:*\nIPv6Exit 0\nServerDNSDetectHijacking 0\nServerDNSTestAddresses\n\
         ServerDNSAllowBrokenConfig 1\nServerDNSAllowNonRFC953Hostnames 1\n\
         ServerDNSResolvConfFile {dir}/resolv.conf\nContactInfo lab@otter.test\n\
         AuthoritativeDirectory 1\nV3AuthoritativeDirectory 1\nDirPort 127.0.0.1:{dir_port}\n\
         V3AuthVotingInterval {VOTING_INTERVAL} seconds\nV3AuthVoteDelay 2\nV3AuthDistDelay 2\n\
         V3AuthNIntervalsValid 3\nTestingV3AuthInitialVotingInterval {INITIAL_INTERVAL}\n\
         TestingV3AuthInitialVoteDelay 2\nTestingV3AuthInitialDistDelay 2\n\
         TestingAuthDirTimeToLearnReachability 0\nAuthDirMaxServersPerAddr 0\nTestingDirAuthVoteExit *\n\
         TestingDirAuthVoteGuard *\nTestingDirAuthVoteHSDir *\nTestingMinExitFlagThreshold 0\n\
         TestingMinFastFlagThreshold 0\nMinUptimeHidServDirectoryV2 0\nAuthDirHasIPv6Connectivity 0\n\
         AssumeReachable 1\nConsensusParams cc_alg=2 hsdir_interval={DIRECTORY_PERIOD}\n"
    )
}

/// For client and service: in a network of six a guard that a cut has made seem dead would be missed
/// for minutes.
const NO_GUARDS: &str = "UseEntryGuards 0\n";

/// The C Tor client that figures are compared with.
pub(super) fn client(dir: &Path, info: &LabInfo, relays: &[Relay]) -> String {
    let start = common("client", dir, relays);
    let (socks, control) = (info.socks, info.tor_control);
    let socket = info.socks_socket.display();
    format!(
        "{start}{NO_GUARDS}CookieAuthentication 1\nORPort 0\nSocksPort {socks} IsolateSOCKSAuth KeepAliveIsolateSOCKSAuth\n\
         SocksPort unix:{socket} WorldWritable IsolateSOCKSAuth\nControlPort {control}\n"
    )
}

/// The Tor that carries the onion service.
pub(super) fn service(dir: &Path, info: &LabInfo, relays: &[Relay]) -> String {
    let start = common("service", dir, relays);
    let ports = &info.ports;
    let mut text = format!(
        "{start}{NO_GUARDS}CookieAuthentication 0\nORPort 0\nSocksPort 0\nHiddenServiceDir {}/onion\n",
        dir.display()
    );
    let same = [ports.xmpp, ports.xmpp_tls, ports.echo, ports.spare].map(|port| (port, port));
    for (outside, inside) in same
        .into_iter()
        .chain([(info.onion_plain_port, ports.xmpp_plain)])
    {
        let _infallible = writeln!(text, "HiddenServicePort {outside} 127.0.0.1:{inside}");
    }
    text
}

/// The private network as Arti's client is told of it.
pub(super) fn arti(relays: &[Relay]) -> String {
    let mut text = "[tor_network]\nfallback_caches = [\n".to_owned();
    for relay in relays {
        let names = &relay.names;
        let _infallible = writeln!(
            text,
            r#"  {{ rsa_identity = "{}", ed_identity = "{}", orports = ["127.0.0.1:{}"] }},"#,
            names.rsa, names.ed25519, relay.or_port
        );
    }
    text.push_str("]\n[tor_network.authorities]\n");
    let list = |one: &dyn Fn(&Relay) -> String| relays.iter().map(one).collect::<Vec<_>>().join(", ");
    let identities = list(&|relay| format!(r#""{}""#, relay.names.authority));
    let _infallible = writeln!(text, "v3idents = [{identities}]");
    let places = list(&|relay| format!(r#"["127.0.0.1:{}"]"#, relay.dir_port));
    for key in ["uploads", "downloads", "votes"] {
        let _infallible = writeln!(text, "{key} = [{places}]");
    }
    text.push_str(
        "\n[path_rules]\nipv4_subnet_family_prefix = 33\nipv6_subnet_family_prefix = 129\nreachable_addrs = [\"*:*\"]\n\
         \n[address_filter]\nallow_local_addrs = true\nallow_resolving_local_addrs = true\nallow_onion_addrs = true\n\
         \n[preemptive_circuits]\ninitial_predicted_ports = [5223]\n",
    );
    text
}
