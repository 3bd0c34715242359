export const greeting: string = "6";
