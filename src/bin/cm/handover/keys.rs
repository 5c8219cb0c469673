//! The keys to be moved of one server: there may be very many.

/// At most this many bytes of items are read in one call, but for a single larger item.
const BATCH_BYTES: u64 = 1 << 20;

/// Keys one behind the other in one piece of memory.
#[derive(Default)]
pub struct Keys {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

struct Entry {
    len: u8,
    /// Of the item, in bytes; what is larger than fits is as good as that.
    size: u32,
}

impl Keys {
    /// `key`: at most 250 bytes, as memcached has them.
    pub fn push(&mut self, key: &[u8], size: u64) {
        self.bytes.extend_from_slice(key);
        self.entries.push(Entry {
            len: key.len() as u8,
            size: u32::try_from(size).unwrap_or(u32::MAX),
        });
    }

    /// At most `most` keys at a time.
    pub fn batches(&self, most: usize) -> impl Iterator<Item = Vec<&[u8]>> {
        let (mut bytes, mut entries) = (&*self.bytes, self.entries.iter().peekable());
        std::iter::from_fn(move || {
            let (mut batch, mut size) = (Vec::new(), 0);
            let fits = |count: usize, size: u64| count == 0 || count < most && size <= BATCH_BYTES;
            while let Some(entry) =
                entries.next_if(|entry| fits(batch.len(), size + u64::from(entry.size)))
            {
                let (key, rest) = bytes.split_at(entry.len.into());
                (bytes, size) = (rest, size + u64::from(entry.size));
                batch.push(key);
            }
            (!batch.is_empty()).then_some(batch)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_bounded_by_keys_and_by_bytes() {
        let mut keys = Keys::default();
        for (key, size) in [("a", 10), ("bb", 10), ("ccc", 10), ("d", 1 << 40), ("e", 5)] {
            keys.push(key.as_bytes(), size);
        }
        let batches = |most| -> Vec<Vec<&[u8]>> { keys.batches(most).collect() };
        let expected: [&[&[u8]]; 4] = [&[b"a", b"bb"], &[b"ccc"], &[b"d"], &[b"e"]];
        assert_eq!(batches(2), expected);
        assert_eq!(batches(100)[0].len(), 3);
        assert_eq!(Keys::default().batches(2).count(), 0);
    }
}
