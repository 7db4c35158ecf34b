const PRIVATE =
  /\b(?:burials?|buried|askers?|askings?|desks?|chores?|keepers?|upkeep|runs? within|nobody|somebody|whoever)\b/i;

/** Rules of words for messages that one breaks, by name. */
export function brokenRules(message: string): string[] {
  const rules: Record<string, boolean> = {
    'write "is not a" or "There is no"': /(?<!\bthere )\bis no (?!longer\b|more\b)/i.test(message),
    "begin with the subject": /(?:^|[.!?]\s)(?:What|Whoever|Of a|One that|Those)\b(?![^.]*\?)/.test(message),
    "say it positively": /\bnone that\b/.test(message),
    "use the field's word": PRIVATE.test(message) || /(?<!dead )\bletters?\b(?!, digits)(?! or digit)/i.test(message),
    "end with one full stop": !/[^.!?:;,\s][.?]$/.test(message),
  };
  return Object.keys(rules).filter((rule) => rules[rule]);
}
