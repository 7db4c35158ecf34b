import { type CheckResult, Lines, type ValidationSubject, type ValidationIssue } from "../issue.js";

const CHECK = "personal_data";
const SHOWN_MAX = 50;

interface Kind {
  readonly name: string;
  readonly severity: ValidationIssue["severity"];
  readonly form: RegExp;
  readonly isOne?: (found: string) => boolean;
}

const KINDS: readonly Kind[] = [
  {
    name: "e-mail address of a person",
    severity: "minor",
    form: /(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}(?![\w@-])/g,
    isOne: isPersons,
  },
  {
    name: "bank account (IBAN)",
    severity: "major",
    form: /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b/g,
    isOne: isIban,
  },
  { name: "payment card", severity: "major", form: /(?<![\d.-])(?:\d[ -]?){12,18}\d(?![\d-])/g, isOne: isCard },
  {
    name: "US social security number",
    severity: "major",
    form: /(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])/g,
  },
  { name: "phone number", severity: "minor", form: /(?<![\w+])\+[1-9](?:[ ()/-]{0,2}\d){8,14}(?!\d)/g, isOne: isPhone },
];

/** Finds what names or reaches a person: addresses, accounts, cards and numbers whose own check digits are right. */
export function checkPersonalData({ text }: Pick<ValidationSubject, "text">): CheckResult {
  const lines = new Lines(text);
  const issues = KINDS.flatMap(({ name, severity, form, isOne }) =>
    [...text.matchAll(form)]
      .filter(([found]) => isOne?.(found) ?? true)
      .map(({ index }): ValidationIssue => ({
        check: CHECK,
        severity,
        line: lines.at(index),
        message: `Personal data: ${name}.`,
        suggestion: "Replace it by a made-up one (such as name@example.com), or say why it must stand here.",
      })),
  );
  return { issues: issues.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)).slice(0, SHOWN_MAX) };
}

/** Domains that are kept free for examples (RFC 2606), and addresses of a function or a program. */
const NOBODYS =
  /(?:^|[@.])(?:example\.(?:com|org|net)|test|invalid|localhost|example|local)$|^(?:no-?reply|do-?not-?reply|info|support|admin|root|git|hello|contact|security|team|sales|office|webmaster|postmaster|user|username|you|me|name|email|foo|bar|test|someone|anyone|alice|bob)@|@(?:users\.)?noreply\.|@\d+x\.|\.(?:png|jpe?g|svg|gif|js|ts|css)$/i;

function isPersons(address: string): boolean {
  return !NOBODYS.test(address);
}

function isIban(written: string): boolean {
  const bare = written.replaceAll(" ", "");
  if (bare.length < 15 || bare.length > 34) return false;
  const digits = (bare.slice(4) + bare.slice(0, 4)).replaceAll(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55));
  // ISO 13616: the remainder by 97 is 1.
  return Array.from(digits).reduce((rest, digit) => (rest * 10 + Number(digit)) % 97, 0) === 1;
}

/** Beginnings and lengths of the large networks, and the check digit of Luhn (ISO/IEC 7812-1). Published test numbers are no one's. */
function isCard(written: string): boolean {
  const digits = written.replaceAll(/\D/g, "");
  if (!/^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|5\d\d)\d{12})$/.test(digits)) return false;
  if (TEST_CARDS.has(digits)) return false;
  const sum = Array.from(digits)
    .toReversed()
    .reduce((total, digit, at) => {
      const value = Number(digit) * (at % 2 === 0 ? 1 : 2);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
  return sum % 10 === 0;
}

const TEST_CARDS = new Set([
  "4111111111111111",
  "4242424242424242",
  "5555555555554444",
  "378282246310005",
  "6011111111111117",
]);

/** Of at least eight digits; numbers that are kept free for films and examples are no one's. */
function isPhone(written: string): boolean {
  const digits = written.replaceAll(/\D/g, "");
  return !/^1\d{3}55501\d\d$|^44(?:20)?7946|^441632960|(\d)\1{6}|1234567/.test(digits);
}
