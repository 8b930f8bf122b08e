/** Fails to compile when a case of a discriminated union is not handled, and throws when data lied about its type. */
export const missingCase = (value: never): never => {
  throw new Error(`Unhandled case: ${JSON.stringify(value)}`);
};
