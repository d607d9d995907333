//! An encrypted stream, and what is known of the server at its other end.
//! It must never hide that the stream was cut: an end without the server's farewell is an error.
//! Standard: RFC 8446 6.1 (closure alerts), RFC 9266 (channel binding).

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::ProtocolVersion;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::verify::Accepted;
use super::{KnownServer, SpkiHash};

/// Label of the `tls-exporter` channel binding (RFC 9266 2).
const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// TLS over `S`. Reading fails with [`io::ErrorKind::UnexpectedEof`] if the stream was cut without a farewell.
pub struct TlsStream<S> {
    inner: tokio_rustls::client::TlsStream<S>,
    accepted: Accepted,
}

impl<S> TlsStream<S> {
    pub(super) fn new(inner: tokio_rustls::client::TlsStream<S>, accepted: Accepted) -> TlsStream<S> {
        TlsStream { inner, accepted }
    }

    /// The server's key, to be remembered.
    pub fn spki_sha256(&self) -> SpkiHash {
        self.accepted.server.key
    }

    /// What is to be remembered of the server.
    pub fn server(&self) -> KnownServer {
        self.accepted.server
    }

    /// Was the key among the pins of the policy, or the one that was remembered?
    pub fn is_pinned(&self) -> bool {
        self.accepted.pinned
    }

    /// Does a public authority vouch for the server?
    pub fn is_vouched(&self) -> bool {
        self.accepted.vouched
    }

    /// The `tls-server-end-point` channel binding (RFC 5929 4.1): 32, 48 or 64 bytes, the same on every connection to
    /// this certificate.
    pub fn server_end_point(&self) -> Option<&[u8]> {
        self.accepted.end_point.as_deref()
    }

    /// Is it TLS 1.3?
    pub fn is_tls13(&self) -> bool {
        self.inner.get_ref().1.protocol_version() == Some(ProtocolVersion::TLSv1_3)
    }

    /// The `tls-exporter` channel binding (RFC 9266), by which a login is tied to this very connection. Only with
    /// TLS 1.3, where it is always unique.
    pub fn channel_binding(&self) -> Option<[u8; 32]> {
        if !self.is_tls13() {
            return None;
        }
        self.inner
            .get_ref()
            .1
            .export_keying_material([0; 32], EXPORTER_LABEL, None)
            .ok()
    }
}

impl<S> fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsStream(..)")
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
