/** Words that passwords are made of most often, after undoing substitutions; part of the policy, not a breach list. */
export const commonWords: readonly string[] = [
  ..."password passwort passwd passphrase secret letmein welcome admin administrator root login master default changeme".split(
    " ",
  ),
  ..."iloveyou princess dragon monkey sunshine football baseball superman batman shadow michael jennifer".split(" "),
  ..."computer internet qwerty qwertz azerty abcdef asdf asdfgh zxcvbn hello whatever freedom trustno".split(" "),
  ..."summer winter spring autumn january february march april june july august september october november december".split(
    " ",
  ),
  ..."monday tuesday wednesday thursday friday saturday sunday plinth company office service test tester testing guest user".split(
    " ",
  ),
];

/** Runs of neighbouring keys and characters, with digits in the form that the policy compares (1 is l, 3 is e, 4 is a ...). */
export const keyboardRuns: readonly string[] = [
  "l2eas6t89o",
  "l2eas6t89",
  "l2eas6",
  "l2ea",
  "o98t6sae2l",
  "98t6sae2l",
  "qwertyuiop",
  "asdfghjkl",
  "zxcvbnm",
  "abcdefghijklmnopqrstuvwxyz",
  "abcdefgh",
];
