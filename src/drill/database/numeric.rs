//! PostgreSQL's `numeric`: an exact decimal with its own scale.

use std::cmp::Ordering;

use super::error::{SqlError, SqlResult};

/// `units` × 10^-`scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numeric {
    pub units: i128,
    pub scale: u32,
}

fn overflow() -> SqlError {
    SqlError::new("22003", "value overflows numeric format")
}

fn power(exponent: u32) -> SqlResult<i128> {
    10_i128.checked_pow(exponent).ok_or_else(overflow)
}

/// Division that rounds half away from zero, as PostgreSQL does for `numeric`.
fn rounded_quotient(dividend: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (dividend / divisor, dividend % divisor);
    let sign = if (dividend < 0) == (divisor < 0) { 1 } else { -1 };
    let up = rest.unsigned_abs() >= divisor.unsigned_abs() - rest.unsigned_abs();
    if up { quotient + sign } else { quotient }
}

impl Numeric {
    pub fn new(units: i128, scale: u32) -> Self {
        Self { units, scale }
    }

    pub fn from_int(value: i64) -> Self {
        Self::new(i128::from(value), 0)
    }

    /// PostgreSQL keeps 15 significant digits of a float.
    pub fn from_float(value: f64) -> SqlResult<Self> {
        let text = format!("{value:.14e}");
        let (mantissa, exponent) = text.split_once('e').ok_or_else(overflow)?;
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let digits = Self::parse(mantissa).ok_or_else(overflow)?;
        let scale = i32::try_from(digits.scale).unwrap_or(0) - exponent;
        let wide = match u32::try_from(scale) {
            Ok(scale) => Self::new(digits.units, scale),
            Err(_) => Self::new(
                digits
                    .units
                    .checked_mul(power(scale.unsigned_abs())?)
                    .ok_or_else(overflow)?,
                0,
            ),
        };
        Ok(wide.trimmed())
    }

    fn trimmed(mut self) -> Self {
        while self.scale > 0 && self.units % 10 == 0 {
            self.units /= 10;
            self.scale -= 1;
        }
        self
    }

    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let units: i128 = all.parse().ok()?;
        Some(Self::new(sign * units, u32::try_from(fraction.len()).ok()?))
    }

    pub fn to_float(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    pub fn to_int(self) -> SqlResult<i64> {
        let whole = self.rounded(0)?.units;
        i64::try_from(whole)
            .ok()
            .ok_or_else(|| SqlError::new("22003", "bigint out of range"))
    }

    /// The same number with `scale` digits after the point; `scale` below 0 rounds to tens, hundreds …
    pub fn rounded(self, scale: i32) -> SqlResult<Self> {
        let drop = i64::from(self.scale) - i64::from(scale);
        if drop <= 0 {
            return self.rescaled(u32::try_from(scale).unwrap_or(0));
        }
        let divisor = power(u32::try_from(drop).unwrap_or(u32::MAX))?;
        let units = rounded_quotient(self.units, divisor);
        match u32::try_from(scale) {
            Ok(scale) => Ok(Self::new(units, scale)),
            Err(_) => Ok(Self::new(
                units
                    .checked_mul(power(scale.unsigned_abs())?)
                    .ok_or_else(overflow)?,
                0,
            )),
        }
    }

    pub fn floor(self) -> SqlResult<Self> {
        Ok(Self::new(self.units.div_euclid(power(self.scale)?), 0))
    }

    pub fn ceil(self) -> SqlResult<Self> {
        let floor = Self::new(-self.units, self.scale).floor()?;
        Ok(Self::new(-floor.units, 0))
    }

    fn rescaled(self, scale: u32) -> SqlResult<Self> {
        let factor = power(scale.saturating_sub(self.scale))?;
        Ok(Self::new(
            self.units.checked_mul(factor).ok_or_else(overflow)?,
            scale.max(self.scale),
        ))
    }

    fn aligned(self, other: Self) -> SqlResult<(Self, Self)> {
        let scale = self.scale.max(other.scale);
        Ok((self.rescaled(scale)?, other.rescaled(scale)?))
    }

    pub fn add(self, other: Self) -> SqlResult<Self> {
        let (a, b) = self.aligned(other)?;
        Ok(Self::new(
            a.units.checked_add(b.units).ok_or_else(overflow)?,
            a.scale,
        ))
    }

    pub fn sub(self, other: Self) -> SqlResult<Self> {
        self.add(Self::new(-other.units, other.scale))
    }

    pub fn mul(self, other: Self) -> SqlResult<Self> {
        let units = self.units.checked_mul(other.units).ok_or_else(overflow)?;
        Ok(Self::new(units, self.scale + other.scale))
    }

    pub fn div(self, other: Self) -> SqlResult<Self> {
        if other.units == 0 {
            return Err(SqlError::new("22012", "division by zero"));
        }
        let scale = self.quotient_scale(other);
        let raise = i64::from(scale) + i64::from(other.scale) - i64::from(self.scale);
        let raise = u32::try_from(raise).ok().ok_or_else(overflow)?;
        let dividend = self.units.checked_mul(power(raise)?).ok_or_else(overflow)?;
        Ok(Self::new(rounded_quotient(dividend, other.units), scale))
    }

    /// PostgreSQL shows at least 16 significant digits of a quotient, counted in groups of four.
    fn quotient_scale(self, other: Self) -> u32 {
        let (weight, first) = self.leading_group();
        let (other_weight, other_first) = other.leading_group();
        let quotient_weight = weight - other_weight - i64::from(first <= other_first);
        let scale = (16 - quotient_weight * 4).clamp(0, 1000);
        u32::try_from(scale).unwrap_or(0).max(self.scale).max(other.scale)
    }

    /// The place of the first non-zero group of four digits, and the group.
    fn leading_group(self) -> (i64, u32) {
        let digits = self.groups();
        match digits.1.first() {
            Some(first) => (digits.0, u32::from(*first)),
            None => (0, 0),
        }
    }

    /// The number in base 10,000: place of the first group, and the groups without zeros at either end.
    pub fn groups(self) -> (i64, Vec<u16>) {
        let pad = (4 - self.scale % 4) % 4;
        let mut rest = self.units.unsigned_abs().saturating_mul(10_u128.pow(pad));
        let fraction_groups = i64::from((self.scale + pad) / 4);
        let mut groups = Vec::new();
        while rest > 0 {
            groups.push((rest % 10_000) as u16);
            rest /= 10_000;
        }
        let weight = i64::try_from(groups.len()).unwrap_or(0) - 1 - fraction_groups;
        groups.reverse();
        while groups.last() == Some(&0) {
            groups.pop();
        }
        (if groups.is_empty() { 0 } else { weight }, groups)
    }

    pub fn compare(self, other: Self) -> Ordering {
        match self.aligned(other) {
            Ok((a, b)) => a.units.cmp(&b.units),
            Err(_) => self.to_float().total_cmp(&other.to_float()),
        }
    }
}

impl std::fmt::Display for Numeric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = format!(
            "{:0width$}",
            self.units.unsigned_abs(),
            width = self.scale as usize + 1
        );
        let (whole, fraction) = digits.split_at(digits.len() - self.scale as usize);
        let sign = if self.units < 0 { "-" } else { "" };
        if fraction.is_empty() {
            write!(f, "{sign}{whole}")
        } else {
            write!(f, "{sign}{whole}.{fraction}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> Numeric {
        Numeric::parse(text).unwrap()
    }

    #[test]
    fn a_quotient_has_postgres_digits() {
        // measured on PostgreSQL 15
        assert_eq!(n("1").div(n("3")).unwrap().to_string(), "0.33333333333333333333");
        assert_eq!(
            n("431.123456").div(n("60")).unwrap().to_string(),
            "7.1853909333333333"
        );
        assert_eq!(
            n("2700.000000").div(n("60")).unwrap().to_string(),
            "45.0000000000000000"
        );
    }

    #[test]
    fn floor_and_round_know_the_sign() {
        assert_eq!(n("-0.5").floor().unwrap().to_string(), "-1");
        assert_eq!(n("179.999999").floor().unwrap().to_string(), "179");
        assert_eq!(n("-2.5").rounded(0).unwrap().to_string(), "-3");
        assert_eq!(n("1234.5").rounded(-2).unwrap().to_string(), "1200");
        assert_eq!(n("1.005").rounded(2).unwrap().to_string(), "1.01");
        assert_eq!(n("-1.2").ceil().unwrap().to_string(), "-1");
    }

    #[test]
    fn a_float_becomes_fifteen_digits() {
        assert_eq!(Numeric::from_float(0.1).unwrap().to_string(), "0.1");
        assert_eq!(
            Numeric::from_float(1_768_483_441.25).unwrap().to_string(),
            "1768483441.25"
        );
        assert_eq!(
            Numeric::from_float(3e18).unwrap().to_string(),
            "3000000000000000000"
        );
    }
}
