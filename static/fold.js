// Folds texts for comparison as the server does: lower case, base letters, without accents and marks.
'use strict';

const LETTERS = { æ: 'ae', œ: 'oe', ß: 'ss', þ: 'th', ð: 'd', đ: 'd', ħ: 'h', ı: 'i', ł: 'l', ŋ: 'n', ø: 'o', ŧ: 't' };

const fold = (text) => text
  .replace(/[`´ʹʻ-ʿˈˊˋ′-‷՚׳״ꞌ]|\p{Quotation_Mark}|\p{Default_Ignorable_Code_Point}/gu, '')
  .normalize('NFKD')
  .replace(/[\u0300-\u036F]|\p{Quotation_Mark}/gu, '')
  .toLowerCase()
  .replace(/[æœßþðđħıłŋøŧ]/gu, (letter) => LETTERS[letter])
  .replace(/[\s,.]|\p{Dash}/gu, ' ')
  .replace(/ +/g, ' ')
  .trim();
