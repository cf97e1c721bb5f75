/** A server's text that says that memory ran out. */
export const outOfMemoryText =
  /out[ -]of[ -](device )?memory|(cuda|hip)malloc failed|failed to allocate|allocation failed|(not enough|insufficient) memory|outof(device)?memory|out_of_device_memory|requires (more system memory|.{1,200} but only .{1,200} available)/i;

/** A page of HTML, which a proxy answers: its status says as much. */
export const isPage = (body: string): boolean => body.trimStart().startsWith('<');
