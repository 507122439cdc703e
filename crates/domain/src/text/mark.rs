//! Marks that people type between letters and digits, and characters that nobody sees.

use icu_properties::props::{Dash, DefaultIgnorableCodePoint, QuotationMark};
use icu_properties::{CodePointSetData, CodePointSetDataBorrowed};

const DASHES: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<Dash>();
const IGNORABLES: CodePointSetDataBorrowed<'static> =
    CodePointSetData::new::<DefaultIgnorableCodePoint>();
const QUOTATION_MARKS: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<QuotationMark>();

/// Returns whether Unicode says that programs show nothing for this character (`Default_Ignorable_Code_Point`).
pub fn is_ignorable(c: char) -> bool {
    !c.is_ascii() && IGNORABLES.contains(c)
}

/// Returns whether this is a hyphen, a dash or a minus sign.
pub fn is_dash(c: char) -> bool {
    DASHES.contains(c) || matches!(c, '\u{02D7}' | '\u{2043}')
}

/// Returns whether this is a quotation mark or an apostrophe, or a character that people type instead of one.
pub fn is_quote(c: char) -> bool {
    QUOTATION_MARKS.contains(c) || is_apostrophe(c)
}

/// Whether people type this character as an apostrophe, although Unicode does not list it as a quotation mark.
fn is_apostrophe(c: char) -> bool {
    matches!(
        c,
        '`' | '´'
            | '\u{02B9}'..='\u{02BF}'
            | '\u{02C8}'
            | '\u{02CA}'
            | '\u{02CB}'
            | '\u{02EE}'
            | '\u{0374}'
            | '\u{055A}'
            | '\u{05F3}'
            | '\u{05F4}'
            | '\u{07F4}'
            | '\u{07F5}'
            | '\u{1FBD}'
            | '\u{1FBF}'
            | '\u{1FEF}'
            | '\u{1FFD}'
            | '\u{1FFE}'
            | '\u{2032}'..='\u{2037}'
            | '\u{2057}'
            | '\u{A78B}'
            | '\u{A78C}'
            | '\u{FF40}'
    )
}
