//! The keys a server holds, as its LRU crawler lists them.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use consistent_memcached::net::address::{Address, Host};
use percent_encoding::percent_decode;

const REQUEST: &[u8] = b"lru_crawler metadump all\r\n";

/// A listing may take long, but something comes all the time.
const SILENCE: Duration = Duration::from_secs(10);

/// For so long a server may be busy with another crawl.
const BUSY: Duration = Duration::from_secs(10);

const PAUSE: Duration = Duration::from_millis(100);

/// Longer than any line: memcached makes them in a buffer of this size.
const MAX_LINE: u64 = 4096;

/// A server that is to be listed.
pub struct Source<'a> {
    pub address: &'a Address,
    /// How long connecting may take, for each address of a name.
    pub connect_timeout: Duration,
}

/// Calls `each` with every key, and the size of its item in bytes. An error is why there are no
/// more; `each` may have had some.
pub fn list(
    source: &Source<'_>,
    mut each: impl FnMut(&[u8], u64) -> Result<(), String>,
) -> Result<(), String> {
    let until = Instant::now() + BUSY;
    while !attempt(source, &mut each)? {
        if Instant::now() > until {
            return Err("it is busy with another crawl; try again later".into());
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// False when the server is busy.
fn attempt(
    source: &Source<'_>,
    each: &mut impl FnMut(&[u8], u64) -> Result<(), String>,
) -> Result<bool, String> {
    let mut stream = connect(source).map_err(why)?;
    stream.write_all(REQUEST).map_err(why)?;
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = (&mut reader).take(MAX_LINE);
        bounded.read_until(b'\n', &mut line).map_err(why)?;
        let Some(text) = line.strip_suffix(b"\n") else {
            return Err("the listing broke off".into());
        };
        match text.strip_suffix(b"\r").unwrap_or(text) {
            b"END" => return Ok(true),
            text if text.starts_with(b"key=") => {
                let (key, size) = entry(text).ok_or_else(|| unknown(text))?;
                each(&key, size)?;
            }
            text if text.starts_with(b"BUSY") => return Ok(false),
            text => return Err(refusal(text)),
        }
    }
}

/// `key=URLENCODED exp=-1 la=… cas=… fetch=no cls=1 size=63`; what fields there are more does not
/// matter.
fn entry(line: &[u8]) -> Option<(Vec<u8>, u64)> {
    let mut fields = line.split(|&byte| byte == b' ');
    let key = fields.next()?.strip_prefix(b"key=")?;
    let size = fields.find_map(|field| field.strip_prefix(b"size="))?;
    let size = str::from_utf8(size).ok()?.parse().ok()?;
    Some((percent_decode(key).collect(), size))
}

fn refusal(line: &[u8]) -> String {
    let text = line.escape_ascii();
    match line {
        b"CLIENT_ERROR lru crawler disabled" => {
            "its LRU crawler is switched off (lru_crawler enable)".into()
        }
        b"ERROR metadump not allowed" => "it was started with -X: listings are not allowed".into(),
        b"ERROR" => "it knows no lru_crawler metadump: not memcached 1.6".into(),
        _ => format!("it said \"{text}\""),
    }
}

fn unknown(line: &[u8]) -> String {
    format!("not a line of a listing: \"{}\"", line.escape_ascii())
}

fn why(error: io::Error) -> String {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => "no answer in time".into(),
        _ => error.to_string(),
    }
}

trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

fn connect(source: &Source<'_>) -> io::Result<Box<dyn Stream>> {
    let (host, port) = match source.address {
        Address::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(SILENCE))?;
            stream.set_write_timeout(Some(SILENCE))?;
            return Ok(Box::new(stream));
        }
        Address::Tcp { host, port } => (host, *port),
    };
    let addresses = match host {
        Host::Ip(ip) => vec![(*ip, port).into()],
        Host::Name(name) => (&**name, port).to_socket_addrs()?.collect(),
    };
    let mut failure = io::Error::other("its name has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, source.connect_timeout) {
            Ok(stream) => {
                stream.set_read_timeout(Some(SILENCE))?;
                stream.set_write_timeout(Some(SILENCE))?;
                return Ok(Box::new(stream));
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let line = b"key=a%2520%00%ff+b exp=-1 la=1 cas=5 fetch=yes cls=1 size=63";
        assert_eq!(entry(line), Some((b"a%20\0\xff+b".to_vec(), 63)));
        let later = b"key=a exp=1 la=1 cas=5 fetch=no cls=1 size=7 flags=0 ext=1";
        assert_eq!(entry(later), Some((b"a".to_vec(), 7)));
        for wrong in ["key=a exp=1", "key=a size=x", "size=1"] {
            assert_eq!(entry(wrong.as_bytes()), None);
        }
    }
}
