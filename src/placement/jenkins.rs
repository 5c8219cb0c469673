//! Bob Jenkins' lookup3 (`hashlittle`), with the start value 13 that libmemcached
//! 1.1.4 and twemproxy 0.5.0 give it.

const INITVAL: u32 = 13;

pub(super) fn jenkins(key: &[u8]) -> u32 {
    let start = 0xdead_beef_u32
        .wrapping_add(key.len() as u32)
        .wrapping_add(INITVAL);
    let mut state = [start; 3];
    let mut rest = key;
    while rest.len() > 12 {
        let (block, after) = rest.split_at(12);
        add(&mut state, block);
        mix(&mut state);
        rest = after;
    }
    if !rest.is_empty() {
        add(&mut state, rest);
        finish(&mut state);
    }
    state[2]
}

/// Adds up to 12 bytes as little-endian words; what is missing counts as zero.
fn add(state: &mut [u32; 3], block: &[u8]) {
    for (word, bytes) in state.iter_mut().zip(block.chunks(4)) {
        let mut padded = [0; 4];
        padded[..bytes.len()].copy_from_slice(bytes);
        *word = word.wrapping_add(u32::from_le_bytes(padded));
    }
}

fn mix([a, b, c]: &mut [u32; 3]) {
    step(a, b, c, 4);
    step(b, c, a, 6);
    step(c, a, b, 8);
    step(a, b, c, 16);
    step(b, c, a, 19);
    step(c, a, b, 4);
}

/// `x -= z; x ^= rot(z, bits); z += y`
fn step(x: &mut u32, y: &u32, z: &mut u32, bits: u32) {
    *x = x.wrapping_sub(*z) ^ z.rotate_left(bits);
    *z = z.wrapping_add(*y);
}

fn finish([a, b, c]: &mut [u32; 3]) {
    fold(c, *b, 14);
    fold(a, *c, 11);
    fold(b, *a, 25);
    fold(c, *b, 16);
    fold(a, *c, 4);
    fold(b, *a, 14);
    fold(c, *b, 24);
}

/// `x ^= y; x -= rot(y, bits)`
fn fold(x: &mut u32, y: u32, bits: u32) {
    *x = (*x ^ y).wrapping_sub(y.rotate_left(bits));
}
