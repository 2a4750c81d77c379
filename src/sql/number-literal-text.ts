/** A number literal in a text column. */

import { formatDouble } from '../exec/number-text.js';
import { NumberForm } from './number-scan.js';

/** The text as MySQL stores it: no needless zeros in front, doubles in their shortest form. `text` is a number of that form. */
export function numberLiteralText(text: string, form: NumberForm): string {
  if (form === NumberForm.double) {
    return formatDouble(Number(text));
  }
  const [, sign = '', whole = '', fraction = ''] = /^([+-]?)0*(\d*)(?:\.(\d*))?$/.exec(text) ?? [];
  const digits = `${whole === '' ? '0' : whole}${fraction === '' ? '' : `.${fraction}`}`;
  return sign === '-' && /[1-9]/.test(digits) ? `-${digits}` : digits;
}
