/** Is this machine meant? By the host of a URL, in which an IPv6 address stands in brackets, or by a bare name. */
export const isLoopback = (host: string): boolean => /^(localhost|\[::1\]|::1|127\.\d+\.\d+\.\d+)$/.test(host);
