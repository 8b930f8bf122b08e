/** The mailing-list threads whose stories the scenarios tell, by the number that each scenario gives. */
export const threads: Readonly<Record<number, { readonly title: string; readonly topic: string }>> = {
  1: {
    title: 'The notify handshake',
    topic: 'The kernel signals index 5, waits for an ack, and only then resets (Keith Busch, June 2026).',
  },
  2: {
    title: 'What a restore puts back',
    topic:
      'Where pci_restore_state() takes each value from, and what it loses (Farhan Ali, Alex Williamson, June 2026).',
  },
  3: {
    title: 'Error recovery on s390x',
    topic:
      'The platform tells of the error, the kernel stops, and user space recovers the function (Farhan Ali, 2026).',
  },
  4: {
    title: 'Hot reset and EEH',
    topic: 'Who may reset a bus or a PE, and with whom (Alex Williamson, Benjamin Herrenschmidt, 2013).',
  },
};

export const threadTitle = (seed: number): string => threads[seed]?.title ?? `Thread ${seed}`;
