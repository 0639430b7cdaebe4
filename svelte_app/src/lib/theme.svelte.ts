/**
 * The colour theme: light, dark or the system's. Stored in this browser. app.css defines the colours with
 * `light-dark()` and reads the `data-theme` attribute that is set here.
 */
import { readStored, writeStored } from './browser-storage';

const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
const STORAGE_KEY = 'theme';

class SelectedTheme {
  value = $state<Theme>(readTheme());

  /** Selects the next of the three themes. */
  selectNext(): void {
    this.value = THEMES[(THEMES.indexOf(this.value) + 1) % THEMES.length] ?? 'system';
    writeStored('localStorage', STORAGE_KEY, this.value);
    this.apply();
  }

  apply(): void {
    document.documentElement.dataset.theme = this.value;
  }
}

function readTheme(): Theme {
  const stored = readStored('localStorage', STORAGE_KEY);
  return THEMES.find((theme) => theme === stored) ?? 'system';
}

export const theme = new SelectedTheme();
