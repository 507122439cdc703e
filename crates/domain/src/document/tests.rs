use super::*;

fn refused(raw: &str) -> char {
    match parse(raw) {
        Err(ValidationError::NotInADocument { character }) => character,
        other => panic!("{raw}: {other:?}"),
    }
}

#[test]
fn one_number_has_one_form_however_it_is_written() {
    for raw in [
        "1020304050",
        "1020304050 ",
        "\u{202D}1020304050\u{202C}",
        "1\u{FE0D}020304050",
        "01020304050",
        "00001020304050",
        "1.020.304.050",
        "1,020,304,050",
        "1.020.304,050",
        "1 020 304 050",
        "1\u{202F}020\u{A0}304\u{2009}050",
        "1'020'304'050",
        "1’020´304`050",
        "1_020_304_050",
        "1·020˙304•050",
        "10-20-30-40-50",
        "10\u{2011}20–30—40−50",
        "１０２０３０４０５０",
        "１．０２０．３０４．０５０",
        "\"1020304050\"",
        "«1020304050»",
        "'1020304050",
        "1020304050.",
        "1020304050.0",
        "1020304050,00",
        "1.020.304.050,00",
        "1,020,304,050.0",
        "1.020304050",
        "C.C. 1020304050",
        "c.c.1020304050",
        "CC1020304050",
        "CC: 1.020.304.050",
        "(C.C.) 1020304050",
        "C C No. 1020304050",
        "C.C. N.º 1020304050",
        "CC # 01020304050",
        "CC-1020304050",
        "Cédula 1020304050",
        "ce\u{301}dula: 1020304050",
        "CÉDULA DE CIUDADANÍA NÚMERO 1.020.304.050",
        "Cedula de extranjeria Nro 1020304050",
        "Tarjeta de identidad: 1020304050",
        "Registro civil 1020304050",
        "NUIP 1020304050",
        "Pasaporte No. 1020304050",
        "Passport number 1020304050",
        "passport no 1020304050",
        "Identity card # 1020304050",
        "Documento N° 1020304050",
        "№ 1020304050",
        "n. 1020304050",
        "nº1020304050",
        "Núm. 1020304050",
        "1020304050 CC",
        "1020304050 (c.c.)",
    ] {
        assert_eq!(parse(raw).as_deref(), Ok("1020304050"), "{raw}");
    }
}

#[test]
fn letters_of_a_passport_are_kept() {
    for (raw, number) in [
        ("ab-12 34", "AB1234"),
        ("AB123456", "AB123456"),
        ("CC12345", "CC12345"),
        ("PA1234567X", "PA1234567X"),
        ("N 1234567", "N1234567"),
        ("Pasaporte AB 123456", "AB123456"),
        ("Passport no. E1234567", "E1234567"),
        ("CC P1234567", "P1234567"),
        ("12345678-Z", "12345678Z"),
        ("12E45", "12E45"),
        ("00AB1234", "00AB1234"),
    ] {
        assert_eq!(parse(raw).as_deref(), Ok(number), "{raw}");
    }
}

#[test]
fn a_refusal_names_the_wrong_character() {
    for (raw, character) in [
        ("12;34", ';'),
        ("١٢٣٤٥", '١'),
        ("1020304050\u{202E}", '\u{202E}'),
        ("1020\t304050", '\t'),
        ("10203O4Ø50", 'Ø'),
        ("СС 1020304050", 'С'),
        ("Á123456", 'Á'),
        ("1020304050²", '²'),
        ("1020304050 de Bogotá", 'd'),
        ("1032456789.5", '.'),
        ("1.032.456.789,5", ','),
        ("1032456789.000", '.'),
        ("1032456789.125", '.'),
        ("1.02030405E9", 'E'),
        ("1,02E9", 'E'),
        ("1.02E+09", '+'),
    ] {
        assert_eq!(refused(raw), character, "{raw}");
    }
}

#[test]
fn other_shapes_are_refused() {
    let long = "1 ".repeat(200);
    for raw in [
        "",
        "12",
        "0012",
        "0000",
        "CC 12",
        "ABCDEF",
        "12345678901234567890 1",
        "...",
        &long,
    ] {
        assert_eq!(parse(raw), Err(ValidationError::NotADocument), "{raw}");
    }
}
