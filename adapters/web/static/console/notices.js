// Says what needs somebody: in the title, by a desktop notification, by a sound; never louder than was asked for.

const WAKING = ["chat waiting", "customer came back", "ticket opened", "ticket after hours", "customer wrote", "nobody answered", "escalated to a tier"];
const WORDS = {
  "chat waiting": "A chat is waiting", "customer came back": "A customer came back", "ticket opened": "New ticket",
  "ticket after hours": "New ticket", "customer wrote": "A customer wrote", "nobody answered": "Nobody answered in time",
  "escalated to a tier": "Escalated to a tier",
};

export class Notices {
  constructor(open) {
    this.open = open;
    this.title = document.title;
    this.subject = "";
    this.count = 0;
    this.sound = localStorage.getItem("sound") === "on";
  }

  badge(count) {
    this.count = count;
    this.entitle();
  }

  /** Names what the page shows, "" for the list alone. */
  about(subject) {
    this.subject = subject;
    this.entitle();
  }

  entitle() {
    const title = this.subject ? `${this.subject} – ${document.body.dataset.desk}` : this.title;
    document.title = this.count ? `(${this.count}) ${title}` : title;
  }

  hear(announced) {
    for (const [number, reason] of Object.entries(announced)) {
      if (!WAKING.includes(reason)) continue;
      if (this.sound) chime();
      if (document.visibilityState !== "visible") this.desktop(number, reason);
    }
  }

  desktop(number, reason) {
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    const notification = new Notification(WORDS[reason], { body: number, tag: number });
    notification.onclick = () => {
      window.focus();
      this.open(number);
      notification.close();
    };
  }

  async askPermission() {
    if (!("Notification" in window)) return "This browser has no desktop notifications.";
    const answer = await Notification.requestPermission();
    return answer === "granted" ? "Desktop notifications are on." : "The browser does not allow notifications for this page.";
  }

  get soundWords() {
    return this.sound ? "Sound is on" : "Sound is off";
  }

  toggleSound() {
    this.sound = !this.sound;
    localStorage.setItem("sound", this.sound ? "on" : "off");
    if (this.sound) chime();
  }
}

function chime() {
  const context = new AudioContext();
  const tone = context.createOscillator();
  const loudness = context.createGain();
  tone.connect(loudness).connect(context.destination);
  loudness.gain.setValueAtTime(0.08, context.currentTime);
  loudness.gain.exponentialRampToValueAtTime(0.0001, context.currentTime + 0.5);
  tone.frequency.setValueAtTime(660, context.currentTime);
  tone.frequency.setValueAtTime(880, context.currentTime + 0.12);
  tone.start();
  tone.stop(context.currentTime + 0.5);
  tone.onended = () => context.close();
}
