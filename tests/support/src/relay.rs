//! What a relay between a program and a server does with one direction of a connection.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

/// Passes on what comes until there is no more, each part after `see` has seen it; then the one end
/// is closed for writing and the other for reading.
///
/// # Errors
/// One of the ends is gone.
pub fn copy(mut from: &TcpStream, mut to: &TcpStream, see: impl Fn(&[u8])) -> std::io::Result<()> {
    let mut buffer = vec![0; 128 << 10];
    let result = loop {
        match from.read(&mut buffer) {
            Ok(0) => break Ok(()),
            Ok(count) => {
                see(&buffer[..count]);
                if let Err(error) = to.write_all(&buffer[..count]) {
                    break Err(error);
                }
            }
            Err(error) => break Err(error),
        }
    };
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
    result
}
