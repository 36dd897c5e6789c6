/**
 * Every word of the page that people read, in English; another language is another file of this
 * type. Only the viewer's words stand beside, in `viewer.ts`.
 *
 * Written for people who don't know what a key is: short sentences, the next step first.
 */

import type { Ending, LocalReason, UsageReason } from "../errors";
import type { Receipt } from "../reporting";
import { ago, brief, bytes, clock, count, duration, moment } from "./format";

/** A heading, what it means, and what to do next. */
export interface Told {
  title: string;
  body: string;
  next?: string;
  /** An address to go on at, and what it is called. */
  link?: { href: string; name: string };
}

const after = (since: Date | null, now: Date): string =>
  since ? ` ${moment(since, now)}` : "";

/** `192.168.1.x` of a network that the server tells as `192.168.1.0/24`; others as they are. */
function near(address: string): string {
  return address.replace(/\.0\/24$/, ".x");
}

const endings: Record<Ending, (since: Date | null, now: Date) => Told> = {
  opened: (since, now) => ({
    title: `This link was opened already${after(since, now)}`,
    body: "What it held could be opened once, and is gone from the server.",
    next: "If that wasn’t you, tell the sender that someone else has read it.",
  }),
  taken: (since, now) => ({
    title: `Taken by someone else${after(since, now)}`,
    body: "It is being received on another device, or in another browser.",
    next: "If that wasn’t you, tell the sender now: they can still revoke it.",
  }),
  expired: (since, now) => ({
    title: "This link has expired",
    body: `Its time ran out${after(since, now)}. What it held has been erased, unopened.`,
    next: "Ask the sender for a new link.",
  }),
  revoked: (since, now) => ({
    title: "The sender has revoked this link",
    body: `It was taken back${after(since, now)}, and what it held has been erased.`,
  }),
  guessed: (since, now) => ({
    title: "Ended by wrong passwords",
    body: `Too many wrong passwords were tried${since ? `; the last one${after(since, now)}` : ""}. What it held has been erased.`,
    next: "Ask the sender for a new link.",
  }),
  over: (since, now) => ({
    title: "This link is over",
    body: `It ended${after(since, now)}. What it held has been erased.`,
  }),
};

const usage: Record<UsageReason, string> = {
  nothing_to_send: "There is nothing to send yet. Add a file or type a text.",
  too_many_files: "One link holds at most 4,096 files. Pack them into an archive first.",
  too_long_names: "The names of these files and the note are too long for one link. Pack the files into an archive, or send the note as a file.",
  too_long_note: "The text is longer than a link takes. Send it as a file.",
  no_text: "A name, the text or the password holds a broken character. Type it again.",
  password_empty: "Type a password.",
  password_long: "The password is too long. 1,024 bytes are the most.",
  password_unneeded: "This link needs no password.",
  server: "This address can’t be used for links.",
  pin: "This server’s certificate can’t be used for links.",
  terms: "Not everything fits yet. Look at what is marked above.",
  other: "This can’t be sent.",
};

const refusals: Record<string, string> = {
  upload_token: "This server wants an upload token. Ask whoever runs it, and check that it is typed right.",
  too_large: "This is larger than the server takes.",
  no_room: "The server has no room for this at the moment. Try again later.",
  slow_down: "The server is busy. Try again in a minute.",
  wrong_host: "The server doesn’t go by the name in the address bar. Open it by its address, or ask whoever runs it to add the name.",
  cross_origin: "The server takes this page for another site’s. Open the server by its own address; if that is what you did, whoever runs it has to name it in its settings.",
  egress_spent: "It has been fetched as often as the server allows. Ask the sender for a new link.",
  ttl: "The server doesn’t keep links for that long, or that short.",
  delay: "The server doesn’t schedule links that far ahead.",
  openings: "The server allows fewer openings.",
  personal_links: "The server allows fewer personal links.",
  links: "The server hasn’t taken every link.",
};

const local: Record<LocalReason, (file: string) => string> = {
  changed: (file) => `“${file}” changed or went away while it was being sent. Nothing was sent. Choose it again.`,
  no_room: () => "There isn’t enough free space in this browser for it. Free some space, then open the link again: nothing is lost.",
  too_large_for_memory: () => "It is too large for this browser, which gives pages no room of their own on this device; in private windows most don’t. Nothing was spent: open the link in another browser or window, or with the command-line client.",
  storage: () => "This browser couldn’t keep it on this device. Nothing is lost: open the link again.",
  worker: () => "A part of this page didn’t load, or the browser stopped it for lack of memory. Nothing is lost: check that you are online, close other tabs, and load the page again.",
  busy: () => "Another tab of this browser is opening this link. Go on there.",
};

const receipts: Record<Receipt, string> = {
  verified: "receipt checked",
  invalid: "receipt is not genuine",
  none: "no receipt",
};

export const en = {
  locale: "en-GB",
  name: "One-Time View",

  page: {
    tagline: "Opens once, then it’s gone.",
    home: "One-Time View: send something",
    how: "Everything is locked on your device before it leaves. The server never gets the key; it is part of the link.",
    loading: "One moment…",
    noScript: "This page locks and unlocks files in your browser, and needs JavaScript for that.",
    insecure: (secure: string): Told => ({
      title: "This address can’t be used safely",
      body: "Browsers lock and unlock files only over https:// or on the same machine. This page was opened over plain http://. Nothing was spent.",
      next: "Open it by its https:// address, or on the very computer that the server runs on. If that address doesn’t answer, whoever runs this server can say which one does.",
      link: { href: secure, name: new URL(secure).origin },
    }),
    plainHttp:
      "Over plain http://, whoever only listens on this network can’t read what you send or open, though they could use up a link; whoever can change what passes through it could change this page and read everything.",
    failed: {
      title: "Something went wrong in this page",
      body: "It is a mistake of ours.",
      next: "Load the page again. If you were opening a link, it goes on where it stopped.",
    },
    mistake:
      "Something went wrong in this page; it is a mistake of ours. What you see is still there: save or copy what you need, then load the page again.",
    tryAgain: "Try again",
  },

  password: {
    show: "Show what is typed",
  },

  send: {
    title: "Send something that opens once",
    intro: "Add files or type a secret, and share the link. Whoever opens it first is the only one who can.",
    drop: "Drop files here",
    dropHint: "or paste them",
    chooseFiles: "Choose files",
    chooseFolder: "Choose a folder",
    chosen: "Files to send",
    remove: (name: string): string => `Remove ${name}`,
    removeAll: "Remove all",
    total: (files: number, size: number): string => `${count(files, "file", "files")}, ${bytes(size)}`,
    more: (files: number): string => `and ${count(files, "more file", "more files")}`,
    text: "Secret text",
    textHint: "A password, a key, a message",
    note: "Note",
    noteHint: "A message beside the files",
    terms: "How it may be opened",
    expires: "Expires after",
    expiresOther: "Other…",
    expiresOtherValue: "How many",
    expiresOtherUnit: "Unit",
    expiresRange: (least: number, most: number): string => `From ${duration(least)} to ${duration(most)}.`,
    units: { s: "seconds", m: "minutes", h: "hours", d: "days" },
    opensAt: "Opens at",
    opensAtHint: "Leave it empty to open at once",
    opensAtRange: (most: number): string => `Date and time, from now to ${duration(most)} ahead.`,
    password: "Password",
    passwordHint: "Optional. Send it by another way than the link.",
    suggest: "Suggest",
    suggested: "A password was filled in. Copy it now: it is not kept.",
    opens: "Openings",
    opensHint: "How many times each link opens",
    links: "Personal links",
    linksHint: "One for each person",
    countRange: (most: number): string => `From 1 to ${most.toLocaleString("en-GB")}.`,
    linkName: (index: number): string => `Name for link ${index}`,
    linkNames: "Names stay in this browser. They help you tell the links apart.",
    viewOnly: "View only",
    viewOnlyHint: "Asks recipients to look, not to keep. A courtesy, not a lock: nobody can be kept from copying what they see.",
    viewOnlyUnviewable: (files: number): string =>
      `${files === 1 ? "One of these files" : `${files} of these files`} can’t be shown in a browser, so a view-only recipient couldn’t see ${files === 1 ? "it" : "them"}.`,
    token: "Upload token",
    tokenHint: "This server asks for one. Whoever runs it hands them out.",
    tokenWanted: "Type the upload token. Whoever runs this server hands them out.",
    tokenRefused: "The server doesn’t take this token: it may be mistyped, expired or revoked. Ask whoever runs the server.",
    keepToken: "Keep it in this browser",
    keepTokenHint: "Whoever uses this browser can then send here without typing it.",
    lost: "What you shared didn’t arrive in this page. Share it once more.",
    go: "Create link",
    renamed: (from: string, to: string): string => `“${from}” is sent as “${to}”: not every device can save the other name.`,
    skippedFolder: (path: string): string => `The folder “${path}” is empty and isn’t sent.`,
    skippedFile: (path: string): string => `“${path}” can’t be read and isn’t sent.`,
    tooLarge: (limit: number): string => `This server takes at most ${bytes(limit)} in one link.`,
    reading: "What you dropped is still being read. It takes a moment.",
    noServer: "The server can’t be reached. What you chose and typed stays here.",
  },

  sending: {
    title: "Sending",
    preparing: "Getting ready…",
    detail: "Keep this page open until the link is there.",
    finishing: "Almost done…",
    cancel: "Cancel",
    cancelled: "Cancelled. What was sent has been taken back.",
    untold:
      "Cancelled. Nobody has a link. The server couldn’t be told: it deletes what it has by itself, or revoke it below.",
    ended: "The server ended this upload, because it rested or took too long. Please send it again.",
    offline: "No network. It goes on by itself once you are back online.",
    leave: "Leaving stops the sending.",
  },

  progress: {
    amount: (done: number, total: number | null): string =>
      total === null ? bytes(done) : `${bytes(done)} of ${bytes(total)}`,
    rate: (perSecond: number): string => `${bytes(perSecond)}/s`,
    left: (seconds: number): string => `${brief(seconds)} left`,
  },

  sent: {
    title: (links: number): string => (links === 1 ? "Your link is ready" : "Your links are ready"),
    body: (links: number, opens: number, hasPassword: boolean): string => {
      const link = links === 1 ? "the link" : "one of the links";
      const holder = hasPassword ? `${link} and the password` : link;
      const times = opens === 1 ? "once" : `${opens} times in all`;
      return `Whoever has ${holder} can open it ${times}.${hasPassword ? " Send the password by another way." : ""}`;
    },
    keep: (links: number): string =>
      links === 1
        ? "The link is not kept here. Copy it before you leave."
        : "The links are not kept here. Copy them before you leave.",
    link: "Link",
    numbered: (index: number): string => `Link ${index}`,
    copy: "Copy link",
    copied: "Copied",
    selected: "This browser doesn’t let a page copy. The link is selected: copy it from there.",
    share: "Share",
    shareTitle: "A link that opens once",
    showQr: "Show QR code",
    hideQr: "Hide QR code",
    qr: "QR code of the link",
    revoke: "Revoke",
    notDone: "That didn’t work, so nothing has changed. Please try again.",
    another: "Send something else",
    unknownState: "The server can’t be reached, so the state may be old.",
  },

  state: {
    ready: (expiresAt: Date, now: Date): string => `Not opened yet. It expires ${moment(expiresAt, now)}.`,
    readyAgain: (left: number, expiresAt: Date, now: Date): string =>
      `${count(left, "opening", "openings")} left. It expires ${moment(expiresAt, now)}.`,
    scheduled: (opensAt: Date, now: Date): string => `Opens ${moment(opensAt, now)}.`,
    locked: "Locked by wrong passwords.",
    leased: (at: Date, now: Date): string => `Being received since ${clock(at, now)}`,
    opened: (at: Date, now: Date): string => `Opened at ${clock(at, now)}`,
    rejected: (at: Date, now: Date): string => `Received damaged at ${clock(at, now)}, and refused`,
    lapsed: (at: Date, now: Date): string => `Begun at ${clock(at, now)}, never finished`,
    cut: (at: Date, now: Date): string => `Begun at ${clock(at, now)}, cut by revoking`,
    expired: "Expired, unopened.",
    expiredPartly: "Expired.",
    revoked: "Revoked.",
    guessed: "Ended by wrong passwords.",
    forgotten: "The server has forgotten it.",
    receipt: (receipt: Receipt): string => receipts[receipt],
    from: (address: string): string => `from ${near(address)}`,
    unlock: "Unlock",
    guesses: (wrong: number): string => `${count(wrong, "wrong password", "wrong passwords")} so far`,
  },

  list: {
    title: "Sent from this browser",
    unreadable: "This browser can’t read what it kept just now. Load the page again to see the list.",
    sent: (at: Date, now: Date): string => `Sent ${ago(at, now)}`,
    begun: (at: Date, now: Date): string => `Begun ${ago(at, now)}`,
    name: (name: string, index: number): string => name || `Link ${index}`,
    unfinished: "Not finished: nobody has a link.",
    neverFinished: "Never finished: nobody had a link.",
    forget: "Remove from this list",
    secrets: "What was sent and the links themselves are not kept here.",
  },

  open: {
    looking: {
      title: "Looking at the link",
      body: "This doesn’t open it.",
    },
    title: "Something was sent to you",
    lead: (opensLeft: number): string =>
      opensLeft === 1
        ? "It opens once. After that the link is used up, and nobody can open it again."
        : `It can be opened ${opensLeft} more times. Each opening uses up one of them.`,
    size: "Size",
    sizeSmall: "less than 1 MB",
    sizeAbout: (size: number): string => `about ${bytes(size)}`,
    until: "Can be opened until",
    ready: "Open it when you are ready to read or save it.",
    begun: "You have begun to open this link here. It goes on where it stopped; nobody else can open it meanwhile.",
    password: "Password",
    passwordHint: "Ask the sender for it. A wrong one doesn’t use up the link.",
    wrong: (left: number | null): string =>
      left === null || left > 8
        ? "That password is wrong. Nothing was spent."
        : `That password is wrong. Nothing was spent. ${count(left, "more try", "more tries")} before the link locks.`,
    missing: "Type the password first.",
    go: "Open",
    opening: "Opening",
    unlocking: "Checking…",
    detail: "Keep this page open. If it stops, open the link again on this device and it goes on.",
    pause: "Stop",
    paused: "Stopped. Nothing is lost: go on whenever you like, on this device.",
    leave: "The files haven’t been saved yet.",
    opensIn: (seconds: number): string => `In ${duration(seconds)}.`,
  },

  contents: {
    title: "Here it is",
    note: "Note",
    copyNote: "Copy note",
    files: "Files",
    save: "Save",
    view: "View",
    close: "Close",
    saveAll: "Save all as ZIP",
    packing: "Packing…",
    archive: "one-time-view.zip",
    done: "Done",
    doneUnsaved: "“Done” wipes it from this browser. Save first what you want to keep.",
    doneViewed: "“Done” wipes it from this browser.",
    doneNote: "“Done” wipes it from this page. The link won’t show it again.",
    saving: "Your browser is saving it. “Done” wipes it from this page, and what you saved stays saved.",
    lapses: (until: Date, now: Date): string => `It goes by itself ${moment(until, now)}.`,
    wipeNow: "Wipe now",
    waiting: "Giving your browser time to finish saving. Then it is wiped.",
    stuck: "This browser doesn’t let go of a file yet. Press “Done” again; at the latest, it is wiped when you next come to this page.",
    keepOpen: "These are only in this page’s memory: save them before you close it.",
    wiped: {
      title: "Done",
      body: "This browser holds nothing of it any more. What you saved stays where you saved it.",
    },
    lapsed: {
      title: "Its time here is over",
      body: "What you opened may stay in this browser for a while only, and is being wiped. The link is used up.",
    },
    viewOnly: "The sender asks you to look at this, not to keep it. That is a courtesy, not a lock.",
    unviewable: "This kind of file can’t be shown here.",
    untold: "The sender couldn’t be told that you opened it. You have everything.",
    nothing: "There was nothing in it but this.",
    failed: "Saving failed. Try again.",
  },

  over: endings,
  locked: {
    title: "This link is locked",
    body: "Too many wrong passwords were tried. Nothing was spent, and it is all still there.",
    next: "The sender can unlock it. Ask them.",
  },
  notYet: (opensAt: Date, now: Date): Told => ({
    title: `Not yet open: it opens ${moment(opensAt, now)}`,
    body: "The sender chose when. Nothing is spent by waiting.",
    next: "Leave this page open, or come back then.",
  }),
  damaged: {
    title: "This link is damaged",
    body: "A character is missing, changed or added. Nothing was spent.",
    next: "Copy the whole link again, up to its last character.",
  },
  noKey: {
    title: "Half of this link is missing",
    body: "Everything from the # on is missing, and that is the key to what was sent. Nothing was spent.",
    next: "Copy the whole link again. If you have opened it in this browser already, there is nothing more to see.",
  },
  escaped: {
    title: "The key of this link has leaked",
    body: "A program on its way, perhaps one that checks links, changed the # in it to %23. So the part that must stay secret was sent to a server.",
    next: "Ask the sender to revoke it and to send a new link another way.",
  },
  tooNew: {
    title: "This link is from a newer version",
    body: "The page of this server is too old to open it. Nothing was spent.",
    next: "Ask whoever runs the server to update it.",
  },
  unknown: {
    title: "This link is unknown here",
    body: "It may have ended long ago, or belong to another server.",
    next: "Check that you have the whole link.",
  },
  integrity: {
    title: "What came is not what was sent",
    body: "It was changed on its way or on the server, so none of it was kept. The link is used up.",
    next: "Tell the sender, and ask for a new link, best through another server.",
  },
  unreachable: {
    title: "No answer from the server",
    body: "You may be offline, or the server is. Nothing is lost.",
    next: "Try again in a moment.",
  },
  refused: (reason: string): string => refusals[reason] ?? "The server refuses this.",
  usage: (reason: UsageReason): string => usage[reason],
  local: (reason: LocalReason, file: string): string => local[reason](file),
  localTitle: "This browser can’t do it",
  refusedTitle: "The server refuses",
};

export type Words = typeof en;
