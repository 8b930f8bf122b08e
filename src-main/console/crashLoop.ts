/** As often as this may the page crash within the time before it is no longer opened again by itself. */
const mostCrashes = 3;
const withinMilliseconds = 60_000;

/** Whether a page that crashed at `now` is opened again at once: a page that crashes on opening would go on for ever. */
export const mayReopen = (crashes: readonly number[], now: number): boolean =>
  crashes.filter((at) => now - at < withinMilliseconds).length < mostCrashes;
