//! Names, uids and hashes: random to look at, the same for the same seed.

/// What Kubernetes makes generated names of: no vowels and no look-alikes.
const NAME_CHARACTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A small deterministic generator (SplitMix64). Nothing here is a secret.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The same seed gives the same sequence.
    pub fn seeded(seed: u64) -> Self {
        Self {
            state: seed ^ 0x5053_0DD5_1A7E_C0DE,
        }
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A version 4 UUID.
    pub fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        )
    }

    /// The suffix of a generated name, five characters.
    pub fn name_suffix(&mut self) -> String {
        (0..5)
            .map(|_| char::from(NAME_CHARACTERS[self.below(27) as usize]))
            .collect()
    }

    /// `digits` hexadecimal digits, as container ids have 64.
    pub fn hexadecimal(&mut self, digits: usize) -> String {
        let blocks = digits.div_ceil(16);
        let mut text: String = (0..blocks)
            .map(|_| format!("{:016x}", self.next()))
            .collect::<Vec<_>>()
            .concat();
        text.truncate(digits);
        text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_names() {
        let (mut one, mut two) = (Random::seeded(7), Random::seeded(7));
        assert_eq!(one.name_suffix(), two.name_suffix());
        assert_eq!(one.uuid(), two.uuid());
    }

    #[test]
    fn a_uuid_has_the_shape_of_version_4() {
        let uuid = Random::seeded(1).uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&uuid.as_bytes()[19]));
    }

    #[test]
    fn a_template_hash_has_ten_characters_fit_for_names() {
        let hash = template_hash("{}");
        assert_eq!(hash.len(), 10);
        assert!(hash.bytes().all(|byte| NAME_CHARACTERS.contains(&byte)));
        assert_ne!(hash, template_hash("{ }"));
    }
}
