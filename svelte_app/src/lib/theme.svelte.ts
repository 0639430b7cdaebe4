/**
 * Light, dark, or as the system has it; remembered in this browser. The colours themselves are CSS
 * (`light-dark()` in app.css, which reads the attribute set here).
 */
import { keep, recall } from './browser-storage';

const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
const STORAGE_KEY = 'theme';

class ChosenTheme {
  value = $state<Theme>(read());

  /** The next of the three. */
  turn(): void {
    this.value = THEMES[(THEMES.indexOf(this.value) + 1) % THEMES.length] ?? 'system';
    keep('localStorage', STORAGE_KEY, this.value);
    this.apply();
  }

  apply(): void {
    document.documentElement.dataset.theme = this.value;
  }
}

function read(): Theme {
  const kept = recall('localStorage', STORAGE_KEY);
  return THEMES.find((theme) => theme === kept) ?? 'system';
}

export const theme = new ChosenTheme();
