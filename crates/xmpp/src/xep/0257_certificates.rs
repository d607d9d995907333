//! XEP-0257 Client Certificate Management: a certificate by which the server knows the account without a password.
//! Must never offer a certificate that another account shows.
//! XEP-0257 3; XEP-0178 (logging in by it).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use xmpp_parsers::iq::{IqHeader, IqPayload};
use xso::AsXml;

use crate::error::Error;
use crate::event::AccountChange;
use crate::ns;
use crate::session::{Kind, Session, Step};

#[derive(AsXml)]
#[xml(namespace = ns::CERTIFICATES, name = "append")]
struct Append {
    #[xml(extract(name = "name", fields(text(type_ = String))))]
    name: String,
    #[xml(extract(name = "x509cert", fields(text(type_ = String))))]
    certificate: String,
}

impl Session {
    /// Asks the server to let in whoever shows this certificate.
    pub(crate) fn offer_certificate(
        &mut self,
        name: String,
        certificate: &[u8],
        step: &mut Step<'_>,
    ) -> Result<(), Error> {
        let append = Append {
            name,
            certificate: STANDARD.encode(certificate),
        };
        let payload = xso::transform(&append).map_err(|_| Error::IllegalCharacter)?;
        let header = |id| IqHeader {
            from: None,
            to: None,
            id,
        };
        let kind = Kind::Account(AccountChange::Certificate, None);
        self.ask(kind, None, step, |id| {
            header(id).assemble(IqPayload::Set(payload))
        })
    }
}
