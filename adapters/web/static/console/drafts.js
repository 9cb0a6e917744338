// What was typed and has not arrived yet: kept in this tab, so that a closed dialog, another ticket or a reload loses none of it.

export function kept(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
}

/** Keeps a value; null forgets it. */
export function keep(key, value) {
  if (value === null) sessionStorage.removeItem(key);
  else sessionStorage.setItem(key, JSON.stringify(value));
}

/** Keeps what is typed into a form's controls under a name, and puts it back when the form is opened again. */
export class FormDraft {
  constructor(name, controls) {
    this.key = `dialog ${name}`;
    this.controls = controls;
    this.first = this.values();
  }

  values() {
    return Object.fromEntries([...this.controls].map(([name, { read }]) => [name, read()]));
  }

  /** Puts back what was typed last time; returns whether there was anything. */
  restore() {
    const typed = Object.entries(kept(this.key) || {}).filter(([name]) => this.controls.has(name));
    for (const [name, value] of typed) this.controls.get(name).write(value);
    return typed.length > 0;
  }

  keep() {
    const typed = Object.entries(this.values()).filter(([name, value]) => String(value) !== String(this.first[name]));
    keep(this.key, typed.length ? Object.fromEntries(typed) : null);
  }

  startAfresh() {
    for (const [name, value] of Object.entries(this.first)) this.controls.get(name).write(value);
    this.forget();
  }

  forget() {
    keep(this.key, null);
  }
}
