//! The drill's one source of chance: numbers, names and identifiers that look random and are the same for the same seed.
//!
//! Nothing here guards anything; what must be a secret comes from the system.

use jiff::Timestamp;

/// A generator (SplitMix64; Steele, Lea, Flood 2014): small, and good enough for names and jitter.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

/// How far the state moves with each number.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
/// Keeps the cluster's numbers apart from those that the service draws from the same seed.
const CLUSTER: u64 = 0x5053_0dd5_1a7e_c0de;
/// What Kubernetes makes generated names of: no vowels and no look-alikes.
const NAME_CHARACTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// KSUIDs count their seconds from here (2014-05-13).
const KSUID_EPOCH: i64 = 1_400_000_000;

impl Random {
    /// The same seed gives the same sequence.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The generator of the cluster's names and uids.
    pub fn of_cluster(seed: u64) -> Self {
        Self::new(seed ^ CLUSTER)
    }

    /// A generator of its own for each name (FNV-1a over it).
    pub fn named(seed: u64, name: &str) -> Self {
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut random = Self::new(seed ^ hash);
        random.draw();
        random
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The number that `new(seed)` draws at a place in its sequence, 0 the first: for callers that share no generator.
    pub fn nth(seed: u64, place: u64) -> u64 {
        Self::new(seed.wrapping_add(place.wrapping_mul(STEP))).draw()
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

    /// So many letters and digits.
    pub fn token(&mut self, length: usize) -> String {
        self.letters(BASE62, length)
    }

    /// The suffix of a generated name, five characters.
    pub fn name_suffix(&mut self) -> String {
        self.letters(NAME_CHARACTERS, 5)
    }

    /// `digits` hexadecimal digits, as container ids have 64.
    pub fn hexadecimal(&mut self, digits: usize) -> String {
        let blocks = digits.div_ceil(16);
        let mut text: String = (0..blocks)
            .map(|_| format!("{:016x}", self.draw()))
            .collect::<Vec<_>>()
            .concat();
        text.truncate(digits);
        text
    }

    /// A UUID of version 4.
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

/// The `pod-template-hash` of a template: FNV-1a, each decimal digit mapped into the name characters, as the deployment controller does.
pub fn template_hash(template: &str) -> String {
    let hash = template.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("{hash:010}")
        .bytes()
        .map(|digit| char::from(NAME_CHARACTERS[usize::from(digit) % NAME_CHARACTERS.len()]))
        .collect()
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

    /// Worlds, tests and screenshots rest on these numbers.
    #[test]
    fn the_sequences_of_a_seed_never_change() {
        let mut random = Random::new(1_234_567);
        let drawn = [random.draw(), random.draw(), random.draw()];
        assert_eq!(
            drawn,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ],
            "the reference implementation's"
        );
        assert_eq!(drawn, [0, 1, 2].map(|place| Random::nth(1_234_567, place)));
        assert_eq!(Random::of_cluster(7).name_suffix(), "46wfq");
        assert_eq!(
            Random::of_cluster(1).uuid(),
            "ce9f3880-3540-4f6d-8135-f4ae70c54d65"
        );
        assert_eq!(Random::named(7, "tables").draw(), 8_253_487_730_547_818_314);
    }

    #[test]
    fn a_template_hash_has_ten_characters_fit_for_names() {
        let hash = template_hash("{}");
        assert_eq!(hash.len(), 10);
        assert!(hash.bytes().all(|byte| NAME_CHARACTERS.contains(&byte)));
        assert_ne!(hash, template_hash("{ }"));
    }
}
