//! Numbers and identifiers that look random and are the same for the same seed.

use jiff::Timestamp;

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough for names and jitter.
#[derive(Clone, Debug)]
pub struct Random(u64);

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// KSUIDs count their seconds from here (2014-05-13).
const KSUID_EPOCH: i64 = 1_400_000_000;

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator of its own for each name (FNV-1a over it).
    pub fn named(seed: u64, name: &str) -> Self {
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut random = Self(seed ^ hash);
        random.draw();
        random
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 where the bound is.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw().checked_rem(bound).unwrap_or(0)
    }

    fn letters(&mut self, alphabet: &[u8], count: usize) -> String {
        (0..count)
            .map(|_| char::from(alphabet[self.below(alphabet.len() as u64) as usize]))
            .collect()
    }

    /// OCM's cluster ids and operation ids: 32 lower-case letters and digits.
    pub fn ocm_id(&mut self) -> String {
        self.letters(b"0123456789abcdefghijklmnopqrstuv", 32)
    }

    pub fn token(&mut self, length: usize) -> String {
        self.letters(BASE62, length)
    }

    /// A UUID of version 4, as every worker draws one when its process starts.
    pub fn uuid(&mut self) -> String {
        let bits = (u128::from(self.draw()) << 64) | u128::from(self.draw());
        let bits = (bits & !(0xf000 << 64) & !(0xc << 60)) | (0x4000 << 64) | (0x8 << 60);
        let hex = format!("{bits:032x}");
        format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }

    /// The row and operation ids of the era: seconds and 128 random bits in 27 base-62 characters.
    pub fn ksuid(&mut self, at: Timestamp) -> String {
        let seconds = (at.as_second() - KSUID_EPOCH) as u32;
        let mut words = [seconds, 0, 0, 0, 0];
        for word in &mut words[1..] {
            *word = self.draw() as u32;
        }
        let mut text = [b'0'; 27];
        for digit in text.iter_mut().rev() {
            *digit = BASE62[divide(&mut words, 62) as usize];
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// Divides a big-endian number in place and returns the remainder.
fn divide(words: &mut [u32; 5], by: u64) -> u64 {
    let mut rest = 0;
    for word in words {
        let value = (rest << 32) | u64::from(*word);
        *word = (value / by) as u32;
        rest = value % by;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_the_form_of_the_era() {
        let mut random = Random::new(7);
        let at: Timestamp = "2021-01-15T13:24:01Z".parse().unwrap();
        let uuid = random.uuid();
        assert!(
            regex::Regex::new("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
                .unwrap()
                .is_match(&uuid),
            "{uuid}"
        );
        let ksuid = random.ksuid(at);
        assert_eq!(ksuid.len(), 27);
        assert!(
            ksuid.starts_with("1n"),
            "a KSUID of January 2021 begins with 1n: {ksuid}"
        );
        assert_eq!(random.ocm_id().len(), 32);
    }

    #[test]
    fn each_name_has_its_own_numbers() {
        assert_eq!(Random::named(1, "a").draw(), Random::named(1, "a").draw());
        assert_ne!(Random::named(1, "a").draw(), Random::named(1, "b").draw());
        assert_ne!(Random::named(1, "a").draw(), Random::named(2, "a").draw());
    }
}
