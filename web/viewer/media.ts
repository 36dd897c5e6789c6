/** Sound and film, with the browser's own controls. */

import type { Show } from "../src/viewer-messages";
import { element } from "./dom";
import { Failure } from "./failure";
import { tell, tellHeight, tellHeightOf } from "./parent";

export async function showMedia(show: Show, stage: HTMLElement): Promise<void> {
  const player = playerOf(show);
  stage.append(player);
  await new Promise<void>((resolve, reject) => {
    player.onloadedmetadata = () => resolve();
    player.onerror = () => reject(failureOf(player.error));
  });
  player.onerror = () => tell({ type: "failed", code: failureOf(player.error).code });
  if (player instanceof HTMLVideoElement) tellVideoHeight(player);
  else tellHeightOf(player);
}

function playerOf({ kind, file, mime, name }: Show): HTMLMediaElement {
  const player = element(kind === "video" ? "video" : "audio", {
    controls: true,
    preload: "metadata",
    disableRemotePlayback: true,
  });
  // What its menus would offer can't work in here.
  player.setAttribute("controlslist", "nodownload nofullscreen noremoteplayback");
  player.setAttribute("disablepictureinpicture", "");
  player.setAttribute("playsinline", "");
  player.setAttribute("aria-label", name);
  // By reference: the file is read where it lies, as it plays.
  player.src = URL.createObjectURL(file.slice(0, file.size, mime));
  return player;
}

function failureOf(error: MediaError | null): Failure {
  switch (error?.code) {
    case MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED:
      return new Failure("unsupported");
    case MediaError.MEDIA_ERR_NETWORK:
      return new Failure("unreadable");
    default:
      return new Failure("broken");
  }
}

function tellVideoHeight(video: HTMLVideoElement): void {
  const settle = (): void => {
    const { videoWidth, videoHeight } = video;
    tellHeight(videoHeight * Math.min(1, innerWidth / Math.max(1, videoWidth)));
  };
  addEventListener("resize", settle);
  settle();
}
