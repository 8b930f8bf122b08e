/** Calls back at the next frame, or a little later where no frame comes because the window is hidden. */
export const onNextFrame = (callback: () => void): void => {
  let called = false;
  const once = (): void => {
    if (called) return;
    called = true;
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    callback();
  };
  const frame = requestAnimationFrame(once);
  const timer = setTimeout(once, 100);
};
