/**
 * The task of the bundled model tiny-scorer, as its training data has it. Off these words and phrasings the model fails
 * (it is always "years", also for one), so every value here occurs in the data.
 */
const skills = 'node sql python aws react docker rust kafka java linux golang redis'.split(' ');
const cities = 'Berlin Delhi Kyiv Lima Oslo Paris Quito Rome'.split(' ');
const syllables = 'an be du ka li mo ne ro sa ti'.split(' ');

/** The number of different rubrics: three of the twelve skills, in any order. */
export const rubricCount = skills.length * (skills.length - 1) * (skills.length - 2);

/** One candidate for a rubric (three skills): the text of the question and the answer that is right. */
export function makeCandidate(rubric, random) {
  const named = nameSkills(rubric, random);
  const years = pick(21, random);
  return { user: phrase({ named, years }, random), expected: score(rubric, named, years) };
}

/** The truth: 20 for each match, 4 for each year up to ten; matches in the order of the rubric. */
export function score(rubric, named, years) {
  const matched = rubric.filter((skill) => named.includes(skill));
  const points = 20 * matched.length + 4 * Math.min(years, 10);
  return { matched, score: points, verdict: verdictOf(points) };
}

const verdictOf = (points) => (points >= 70 ? 'hire' : points >= 40 ? 'maybe' : 'reject');

export const systemPrompt = (rubric) => `Score the candidate from 0 to 100. Required: ${rubric.join(', ')}`;

/** Distinct rubrics, drawn without repeats. */
export function makeRubrics(count, random) {
  const rubrics = new Map();
  while (rubrics.size < count) {
    const rubric = draw(skills, 3, random);
    rubrics.set(rubric.join(), rubric);
  }
  return [...rubrics.values()];
}

/** One to five skills; half the candidates are drawn from the rubric first, or few would match it. */
function nameSkills(rubric, random) {
  const count = 1 + pick(5, random);
  if (random() < 0.5) return draw(skills, count, random);
  const matching = draw(rubric, Math.min(count, 1 + pick(3, random)), random);
  const others = skills.filter((skill) => !rubric.includes(skill));
  return draw([...matching, ...draw(others, count - matching.length, random)], count, random);
}

function phrase({ named, years }, random) {
  const name = makeName(random);
  const list = named.join(', ');
  const phrasing = pick(3, random);
  if (phrasing === 0) return `Candidate: ${name} has ${years} years of experience with ${list}`;
  if (phrasing === 1) return `Candidate: ${name}, skills: ${list}, ${years} years`;
  return `Candidate: ${name} lives in ${cities[pick(cities.length, random)]}, ${years} years of experience, skills: ${list}`;
}

function makeName(random) {
  const length = 2 + pick(2, random);
  const name = Array.from({ length }, () => syllables[pick(syllables.length, random)]).join('');
  return name[0].toUpperCase() + name.slice(1);
}

/** `count` different ones of a list, in a random order. */
function draw(list, count, random) {
  const left = [...list];
  return Array.from({ length: count }, () => left.splice(pick(left.length, random), 1)[0]);
}

const pick = (size, random) => Math.floor(random() * size);
