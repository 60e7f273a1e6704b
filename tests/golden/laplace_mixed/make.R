# Makes golden.json from ../glm/data.csv: gamma and negative-binomial (NB2) models with a random intercept a unit, by
# glmmTMB (Laplace); and NB2 with an offset.
suppressPackageStartupMessages({library(glmmTMB); library(jsonlite)})
d <- read.csv("../glm/data.csv", stringsAsFactors = TRUE)
d$beds10 <- d$beds / 10
# glmmTMB's own optimiser stops early: Newton steps on its likelihood and gradient take the estimates to the last digit.
one <- function(f, family) {
  m <- glmmTMB(f, data = d, family = family)
  p <- m$fit$par
  for (i in 1:6) { h <- optimHess(p, m$obj$fn, m$obj$gr, control = list(ndeps = rep(1e-4, length(p)))); p <- p - solve(h, drop(m$obj$gr(p))) }
  b <- which(names(p) == "beta"); disp <- p[names(p) == "betad"]
  old <- m$fit$par[names(p) == "betad"]
  shape <- if (family$family == "Gamma") sigma(m)^-2 else sigma(m)
  sign <- if (abs(log(shape) - old) < 1e-6) 1 else -1   # how the package writes its dispersion
  stopifnot(abs(log(shape) - sign * old) < 1e-6)
  list(terms = names(fixef(m)$cond), beta = unname(p[b]), se = unname(sqrt(diag(solve(h))))[b],
       sigma = exp(unname(p[names(p) == "theta"])), shape = exp(sign * unname(disp)), loglik = -m$obj$fn(p))
}
golden <- list(
  gamma = one(cost ~ hospital + beds10 + age + sex + score + (1 | unit), Gamma("log")),
  negative_binomial = one(days ~ hospital + beds10 + age + sex + score + (1 | unit), nbinom2()),
  offset = one(days ~ hospital + age + sex + score + offset(log(beds)) + (1 | unit), nbinom2()))
write_json(golden, "golden.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
writeLines(c(R.version.string, paste("glmmTMB", packageVersion("glmmTMB"))), "VERSIONS")
