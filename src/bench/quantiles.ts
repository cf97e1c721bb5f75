/** x with `P(X <= x) = share` for a standard normal X, to four figures (Abramowitz and Stegun 26.2.23). */
export function normalQuantile(share: number): number {
  if (share < 0.5) return -normalQuantile(1 - share);
  const t = Math.sqrt(-2 * Math.log(1 - share));
  return t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
}

/** The same for Student's t: exact for one and two degrees of freedom, from three on within 3 % (Cornish and Fisher's expansion). */
export function studentQuantile(share: number, freedom: number): number {
  const inside = 2 * share - 1;
  if (freedom === 1) return Math.tan((Math.PI * inside) / 2);
  if (freedom === 2) return inside * Math.sqrt(2 / (1 - inside ** 2));
  const z = normalQuantile(share);
  return (
    z +
    (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3)
  );
}
