//! Standard input and output for the engine, each served by a thread of its own.
//! Reading them cannot be called off, so the engine must never wait for these threads to begin with.

use std::io::{Read, Write};
use std::thread::JoinHandle;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::Handle;

/// Bytes between a thread and the engine.
const BETWEEN: usize = 64 * 1024;

/// The engine's ends of the two streams.
pub(super) struct Standard {
    pub(super) input: DuplexStream,
    pub(super) output: DuplexStream,
    /// Ends when everything that the engine said is written out.
    pub(super) writer: JoinHandle<()>,
}

/// Starts both threads. To be called within a runtime.
pub(super) fn open() -> Standard {
    let (input, filled) = tokio::io::duplex(BETWEEN);
    let (output, drained) = tokio::io::duplex(BETWEEN);
    let runtime = Handle::current();
    let reader = runtime.clone();
    std::thread::spawn(move || read(filled, &reader));
    let writer = std::thread::spawn(move || write(drained, &runtime));
    Standard {
        input,
        output,
        writer,
    }
}

/// Standard input to the engine, until either ends.
fn read(to: DuplexStream, runtime: &Handle) {
    let mut to = to;
    let mut input = std::io::stdin().lock();
    let mut buffer = vec![0; BETWEEN];
    while let Ok(length @ 1..) = input.read(&mut buffer) {
        let bytes = buffer.get(..length).unwrap_or_default();
        let passed = runtime.block_on(to.write_all(bytes));
        // Lines can hold a passphrase.
        zeroize::Zeroize::zeroize(buffer.as_mut_slice());
        if passed.is_err() {
            return;
        }
    }
}

/// The engine to standard output, until either ends.
fn write(from: DuplexStream, runtime: &Handle) {
    let mut from = from;
    let mut output = std::io::stdout().lock();
    let mut buffer = vec![0; BETWEEN];
    while let Ok(length @ 1..) = runtime.block_on(from.read(&mut buffer)) {
        let bytes = buffer.get(..length).unwrap_or_default();
        if output.write_all(bytes).and_then(|()| output.flush()).is_err() {
            return;
        }
    }
}
