import { watch } from 'vue';
import { useBench } from '../stores/bench.ts';
import { useSettings } from '../stores/settings.ts';

const pitch = 880;
const length = 0.12;
const loudness = 0.08;

/** One short tone, without a file. */
const beep = (): void => {
  try {
    const audio = new AudioContext();
    const gain = audio.createGain();
    gain.gain.setValueAtTime(loudness, audio.currentTime);
    gain.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + length);
    gain.connect(audio.destination);
    const tone = audio.createOscillator();
    tone.frequency.value = pitch;
    tone.connect(gain);
    tone.onended = () => void audio.close();
    tone.start();
    tone.stop(audio.currentTime + length);
  } catch {
    // A machine without sound shows the wait all the same.
  }
};

/** Sounds when a wait is added, if it is switched on; waits that were there when the page came make no sound. */
export const beepOnNewWaits = (sound: () => void = beep): void => {
  const bench = useBench();
  const settings = useSettings();
  watch(
    () =>
      bench.ready
        ? bench.waits.map(({ rig, device, openedAt }) => `${rig} ${device} ${openedAt}`).join('\n')
        : null,
    (now, before) => {
      if (!settings.soundOnWaits || now === null || before === null || before === undefined) return;
      const known = new Set(before.split('\n'));
      if (now !== '' && now.split('\n').some((wait) => !known.has(wait))) sound();
    },
  );
};
