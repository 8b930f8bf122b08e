/** What a person is told about one return code, phase or reason: full sentences, ready for the screen. */
export interface Explanation {
  /** The code as it is written, and where it comes from: `EAGAIN (11) from VFIO_DEVICE_RESET`. */
  readonly title: string;
  readonly whatHappened: string;
  readonly why: string;
  readonly whatToDo: string;
  /** What this rests on: a kernel file, a specification, a mail, or "observation n" of the kernel facts. */
  readonly source?: string;
}

/** An explanation without its title, which the tables derive from the key. */
export type Account = Omit<Explanation, 'title'>;

export const account = (whatHappened: string, why: string, whatToDo: string, source?: string): Account => ({
  whatHappened,
  why,
  whatToDo,
  ...(source === undefined ? {} : { source }),
});

export const titled = (title: string, told: Account): Explanation => ({ title, ...told });
