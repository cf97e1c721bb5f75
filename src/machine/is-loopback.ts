/** Says whether a host is this machine: the host of a URL, where an IPv6 address stands in brackets, or a bare name. */
export const isLoopback = (host: string): boolean => /^(localhost|\[::1\]|::1|127\.\d+\.\d+\.\d+)$/.test(host);
