//! X.509 certificates, as far as they say when they are valid. Pure.

use jiff::Timestamp;

/// `notAfter` of an X.509 certificate in DER.
pub fn not_after(der: &[u8]) -> Option<Timestamp> {
    validity(der).map(|(_, to)| to)
}

/// `notBefore` and `notAfter` of an X.509 certificate in DER.
pub fn validity(der: &[u8]) -> Option<(Timestamp, Timestamp)> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (_, certificate, _) = element(der).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, body, _) = element(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (tag, _, rest) = element(body)?;
    let from_serial = if tag == VERSION { rest } else { body };
    let (_, _, algorithm) = element(from_serial)?;
    let (_, _, issuer) = element(algorithm)?;
    let (_, _, validity) = element(issuer)?;
    let (_, validity, _) = element(validity)?;
    let (tag, text, rest) = element(validity)?;
    let not_before = time(tag, std::str::from_utf8(text).ok()?)?;
    let (tag, text, _) = element(rest)?;
    Some((not_before, time(tag, std::str::from_utf8(text).ok()?)?))
}

/// Tag, content and what follows, of the first element.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (
                bytes
                    .iter()
                    .fold(0, |length, byte| length << 8 | usize::from(*byte)),
                rest,
            )
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// UTCTime has two digits for the year, 50 to 99 are of the last century; GeneralizedTime has four.
fn time(tag: u8, text: &str) -> Option<Timestamp> {
    const UTC_TIME: u8 = 0x17;
    let text = match tag {
        UTC_TIME if text.get(..2)? >= "50" => format!("19{text}"),
        UTC_TIME => format!("20{text}"),
        _ => text.to_string(),
    };
    let part = |from: usize, to: usize| text.get(from..to);
    let rfc3339 = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?
    );
    rfc3339.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_certificate_tells_its_last_moment() {
        let mut parameters = rcgen::CertificateParams::new(vec!["oncall".into()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2031, 3, 9);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        assert_eq!(not_after(certificate.der()), Some(stamp("2031-03-09T00:00:00Z")));
    }

    #[test]
    fn a_broken_certificate_tells_nothing() {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        let der = certificate.der();
        for length in 0..60 {
            assert_eq!(not_after(&der[..length]), None);
        }
        assert_eq!(not_after(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
