# Makes data.csv and golden.json: generalised linear models by stats::glm, tightened to epsilon 1e-14.
suppressPackageStartupMessages({library(jsonlite)})
set.seed(20260301)
units <- 30; hospitals <- 5
unit <- data.frame(unit = sprintf("U%03d", 1:units), hospital = sprintf("H%02d", rep(1:hospitals, length.out = units)),
                   score = round(rnorm(units), 3), beds = sample(10:40, units, TRUE))
sizes <- pmax(1, round(rlnorm(units, 3, .6))); sizes[1] <- 1
d <- unit[rep(seq_len(units), sizes), ]
d$age <- factor(sample(c("a", "b", "c"), nrow(d), TRUE, c(.5, .3, .2)))
d$sex <- factor(sample(c("F", "M"), nrow(d), TRUE))
b <- rnorm(units, 0, .3)[match(d$unit, unit$unit)]
h <- rnorm(hospitals, 0, .3)[as.integer(substr(d$hospital, 2, 3))]
eta <- .2 * d$score + .3 * (d$age == "b") + .6 * (d$age == "c") - .1 * (d$sex == "M") + b + h
d$y <- round(70 + 8 * eta + rnorm(nrow(d), 0, 12), 2)
d$days <- rpois(nrow(d), exp(1 + eta) * rgamma(nrow(d), 2, 2))
d$died <- rbinom(nrow(d), 1, plogis(-1.5 + eta))
d$cost <- round(rgamma(nrow(d), 1.5, 1.5 / exp(8.5 + eta)), 2) + .01
write.csv(d, "data.csv", row.names = FALSE)
d <- read.csv("data.csv", stringsAsFactors = TRUE)
ctl <- glm.control(epsilon = 1e-14, maxit = 200)
form <- function(y) as.formula(paste(y, "~ hospital + beds + age + sex + score"))
one <- function(y, family) {
  m <- glm(form(y), family = family, data = d, control = ctl)
  for (i in 1:12) m <- glm(form(y), family = family, data = d, control = ctl, start = coef(m))  # IRLS to the last digit
  s <- summary(m)
  list(terms = names(coef(m)), beta = unname(coef(m)), se = unname(s$coefficients[, 2]), dispersion = s$dispersion,
       deviance = deviance(m), pearson = sum(residuals(m, "pearson")^2))
}
golden <- list(gamma = one("cost", Gamma("log")), poisson = one("days", poisson()), binomial = one("died", binomial()),
               quasipoisson = one("days", quasipoisson()))
# An offset: days per bed.
m <- glm(days ~ hospital + age + sex + score + offset(log(beds)), family = poisson(), data = d, control = ctl)
golden$offset <- list(terms = names(coef(m)), beta = unname(coef(m)), deviance = deviance(m))
write_json(golden, "golden.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
writeLines(c(R.version.string, paste("jsonlite", packageVersion("jsonlite"))), "VERSIONS")
