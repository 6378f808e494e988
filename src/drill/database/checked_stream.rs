//! A client's stream of which only well-formed messages are read: what is none ends it, as a protocol violation does.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::listener::Stream;
use super::well_formed::{MessageCheck, NextMessage, bound_rows};

/// Bytes that are read at once.
const CHUNK: usize = 8 * 1024;

/// The stream with what was read ahead of it.
pub struct CheckedStream {
    inner: Box<dyn Stream>,
    check: MessageCheck,
    read: BytesMut,
    /// Of these bytes, the first ones that are whole messages.
    checked: usize,
}

impl CheckedStream {
    /// A stream of which nothing was read.
    pub fn new(inner: Box<dyn Stream>) -> Self {
        Self {
            inner,
            check: MessageCheck::default(),
            read: BytesMut::new(),
            checked: 0,
        }
    }
}

impl AsyncRead for CheckedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.checked == 0 {
            match this.check.next(&this.read) {
                NextMessage::Whole(bytes) => {
                    bound_rows(&mut this.read[..bytes]);
                    this.checked = bytes;
                }
                NextMessage::Malformed => {
                    let problem = io::Error::new(io::ErrorKind::InvalidData, "no message of the protocol");
                    return Poll::Ready(Err(problem));
                }
                NextMessage::Partial => {
                    let mut chunk = [0; CHUNK];
                    let mut more = ReadBuf::new(&mut chunk);
                    ready!(Pin::new(&mut this.inner).poll_read(context, &mut more))?;
                    if more.filled().is_empty() {
                        return Poll::Ready(Ok(()));
                    }
                    this.read.extend_from_slice(more.filled());
                }
            }
        }
        let bytes = this.checked.min(buffer.remaining());
        buffer.put_slice(&this.read[..bytes]);
        this.read.advance(bytes);
        this.checked -= bytes;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for CheckedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
