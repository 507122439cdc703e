//! Latin letters that Unicode does not decompose: letters with strokes, hooks and curls, and ligatures.

/// Returns the letters to which a lower-case Latin letter is folded, if Unicode has no decomposition for it.
pub(super) fn base_letters(letter: char) -> Option<&'static str> {
    Some(match letter {
        'æ' => "ae",
        'œ' => "oe",
        'ð' | 'đ' | 'ƌ' | 'ȡ' => "d",
        'þ' => "th",
        'ⱥ' => "a",
        'ƀ' | 'ƃ' => "b",
        'ƈ' | 'ȼ' => "c",
        'ɇ' | 'ⱸ' => "e",
        'ƒ' => "f",
        'ǥ' => "g",
        'ħ' | 'ⱨ' => "h",
        'ƕ' => "hv",
        'ɉ' | 'ȷ' => "j",
        'ƙ' | 'ⱪ' => "k",
        'ł' | 'ƚ' | 'ȴ' | 'ⱡ' => "l",
        'ŋ' | 'ƞ' | 'ȵ' => "n",
        'ø' | 'ⱺ' => "o",
        'ƣ' => "oi",
        'ȣ' => "ou",
        'ƥ' => "p",
        'ɋ' => "q",
        'ɍ' => "r",
        'ȿ' | 'ẜ' | 'ẝ' => "s",
        'ŧ' | 'ƫ' | 'ƭ' | 'ȶ' | 'ⱦ' => "t",
        'ⱱ' | 'ⱴ' => "v",
        'ⱳ' => "w",
        'ƴ' | 'ɏ' | 'ỿ' => "y",
        'ƶ' | 'ȥ' | 'ɀ' | 'ⱬ' => "z",
        _ => return None,
    })
}
