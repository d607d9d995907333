//! By what an XMPP account logs in.
//! It must never show a certificate where the account does not log in by it: it would link every connection.
//! RFC 6120 6; XEP-0178; XEP-0484.

use zeroize::Zeroizing;

/// What a link needs to know of an XMPP account beyond what every account has.
#[derive(Clone, Default)]
pub(crate) struct XmppWay {
    pub(crate) credential: xmpp::Credential,
    /// The owner lets the password itself be sent where the server takes nothing else.
    pub(crate) allow_plain: bool,
    pub(crate) certificate: Option<dial::tls::Identity>,
    /// The token of the invitation by which the account is made.
    pub(crate) invitation: Option<Zeroizing<String>>,
    pub(crate) token: Option<xmpp::FastToken>,
}

impl XmppWay {
    /// The certificate to show, where the account has one to show.
    pub(crate) fn identity(&self) -> Option<dial::tls::Identity> {
        let shown = self.credential == xmpp::Credential::Certificate;
        self.certificate.clone().filter(|_| shown)
    }
}
