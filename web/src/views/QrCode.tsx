/** A QR code, made in the page: dark on white in every theme, for that is what cameras read. */

import { useMemo } from "preact/hooks";

import { qrOutline } from "../qr";

export function QrCode({ content, name }: { content: string; name: string }) {
  const { size, path } = useMemo(() => qrOutline(content), [content]);
  return (
    <svg
      class="qr"
      role="img"
      aria-label={name}
      viewBox={`0 0 ${size} ${size}`}
      shape-rendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
