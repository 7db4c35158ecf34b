import { type ReactNode, useState } from "react";

const KEY = "baton.theme";
const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

function storedTheme(): Theme {
  const stored = localStorage.getItem(KEY);
  return THEMES.find((theme) => theme === stored) ?? "auto";
}

/** Shows the page in the chosen theme; `auto` is the system's. */
export function applyTheme(): void {
  document.documentElement.dataset["theme"] = storedTheme();
}

export function ThemeChoice(): ReactNode {
  const [theme, setTheme] = useState(storedTheme);
  const choose = (next: string) => {
    localStorage.setItem(KEY, next);
    applyTheme();
    setTheme(storedTheme());
  };
  return (
    <label className="choice">
      <span>Theme</span>
      <select value={theme} onChange={(event) => choose(event.target.value)}>
        {THEMES.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}
