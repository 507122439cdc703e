//! Sheet names that Excel accepts: neither too long nor duplicate, without forbidden characters.

/// Maximum length in UTF-16 code units.
const MAX_UNITS: usize = 31;

/// Returns the name of sheet `number` (from 1): `wanted` as far as Excel allows it, else `otherwise`. Adds the number
/// from the second sheet on.
pub(super) fn sheet_name(wanted: &str, otherwise: &str, number: usize) -> String {
    let suffix = if number > 1 {
        format!(" ({number})")
    } else {
        String::new()
    };
    let room = MAX_UNITS - suffix.len();
    let allowed = Some(shorten(wanted, room)).filter(|name| !is_reserved(name));
    allowed.unwrap_or_else(|| shorten(otherwise, room)) + &suffix
}

fn shorten(wanted: &str, room: usize) -> String {
    let mut units = 0;
    let allowed = wanted
        .trim_matches(is_edge)
        .chars()
        .map(|c| if is_forbidden(c) { '-' } else { c })
        .take_while(|c| {
            units += c.len_utf16();
            units <= room
        });
    let name: String = allowed.collect();
    name.trim_end_matches(is_edge).to_owned()
}

fn is_edge(c: char) -> bool {
    c == '\'' || c.is_whitespace()
}

fn is_forbidden(c: char) -> bool {
    matches!(c, '[' | ']' | ':' | '*' | '?' | '/' | '\\') || c.is_control()
}

/// Excel reserves "History", in any case.
fn is_reserved(name: &str) -> bool {
    name.is_empty() || name.eq_ignore_ascii_case("history")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_name_stays() {
        assert_eq!(sheet_name("Bogotá", "Lista", 1), "Bogotá");
        assert_eq!(sheet_name("Bogotá", "Lista", 3), "Bogotá (3)");
        assert_eq!(sheet_name("O'Brien", "Lista", 1), "O'Brien");
    }

    #[test]
    fn excel_takes_any_name() {
        let long = "李".repeat(40);
        let wide = "😀".repeat(40);
        let wanted = [
            "",
            " ",
            "'",
            "''' '",
            "History",
            "a/b\\c[d]e:f*g?h",
            "'Lima'",
            &long,
            &wide,
            "Villa de San Diego de Ubaté ' x",
        ];
        for wanted in wanted {
            for number in [1, 2, 1_000_000] {
                let name = sheet_name(wanted, "Lista", number);
                assert!(
                    rust_xlsxwriter::utility::check_sheet_name(&name).is_ok(),
                    "{name}"
                );
                assert!(!name.eq_ignore_ascii_case("history"));
            }
        }
    }
}
