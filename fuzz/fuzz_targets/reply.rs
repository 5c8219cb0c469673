//! The decoder of replies: no panic, and a line is the same however much follows it. The flags of a meta
//! answer keep their promises.
#![no_main]

use consistent_memcached::protocol::decode::{self, MAX_LINE, Reply};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = decode::value_end(bytes);
    match decode::line(bytes) {
        Ok(Some((reply, len))) => {
            assert!(len <= bytes.len() && bytes[..len].ends_with(b"\r\n"));
            assert_eq!(decode::line(&bytes[..len]), Ok(Some((reply, len))));
            for cut in 0..len {
                assert_eq!(decode::line(&bytes[..cut]), Ok(None));
            }
            if let Reply::Meta(meta) = reply
                && let Ok(details) = meta.details()
            {
                assert!(details.ttl >= -1 && details.last_access >= 0);
            }
        }
        Ok(None) => assert!(bytes.len() < MAX_LINE && !bytes.contains(&b'\n')),
        Err(_) => {}
    }
});
