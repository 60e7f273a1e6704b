# Makes golden.json from ../glm/data.csv: average effects of a higher score by recycled predictions, with delta-method
# errors from clubSandwich's CR2, for gamma, Poisson and logistic models. The gradient is numerical (numDeriv).
suppressPackageStartupMessages({library(clubSandwich); library(jsonlite); library(numDeriv)})
d <- read.csv("../glm/data.csv", stringsAsFactors = TRUE)
ctl <- glm.control(epsilon = 1e-14, maxit = 200)
step <- 0.7
one <- function(y, family) {
  f <- as.formula(paste(y, "~ hospital + beds + age + sex + score"))
  m <- glm(f, family = family, data = d, control = ctl)
  for (i in 1:12) m <- glm(f, family = family, data = d, control = ctl, start = coef(m))
  robust <- vcovCR(m, cluster = d$unit, type = "CR2")
  v <- as.matrix(robust)
  low <- model.matrix(m); high <- low; high[, "score"] <- high[, "score"] + step
  ame <- function(b) mean(family$linkinv(high %*% b) - family$linkinv(low %*% b))
  g <- grad(ame, coef(m))
  lin <- linear_contrast(m, vcov = robust, contrasts = matrix(g, 1), test = "Satterthwaite")
  list(slope = unname(coef(m)["score"]) * step, slope_se = sqrt(v["score", "score"]) * step, ame = ame(coef(m)),
       se = sqrt(drop(t(g) %*% v %*% g)), df = lin$df)
}
golden <- list(step = step, gamma = one("cost", Gamma("log")), poisson = one("days", quasipoisson()),
               binomial = one("died", binomial()))
write_json(golden, "golden.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
writeLines(c(R.version.string, paste("clubSandwich", packageVersion("clubSandwich")),
             paste("numDeriv", packageVersion("numDeriv"))), "VERSIONS")
