/** Something that is not as it should be: a reason of the Gateway API and a sentence for a person. */
export interface Finding {
  reason: string;
  message: string;
}
