/** Of the operator and its migrator; the chart's appVersion. */
export const version = "0.1.0";
