# Makes data.csv (compound Poisson-gamma costs, power 1.5, units that do not differ beyond what is observed) and
# golden.json: the variance power by pseudo-likelihood, glm() of the means and glm() of their squared residuals in turn,
# with its CR2 error by clubSandwich; and by maximum likelihood in glmmTMB, with its standard error.
suppressPackageStartupMessages({library(clubSandwich); library(glmmTMB); library(jsonlite); library(statmod)})
set.seed(20260815)
units <- 24; each <- 60; p <- 1.5; phi <- 4
d <- data.frame(unit = rep(sprintf("U%02d", 1:units), each = each))
d$score <- rep(round(rnorm(units), 2), each = each)
d$age <- sample(0:2, nrow(d), TRUE)
mu <- exp(2 + .3 * d$score + .7 * d$age)
events <- rpois(nrow(d), mu^(2 - p) / (phi * (2 - p)))
d$cost <- round(ifelse(events > 0, rgamma(nrow(d), pmax(events, 1) * (2 - p) / (p - 1), scale = phi * (p - 1) * mu^(p - 1)), 0), 2)
write.csv(d, "data.csv", row.names = FALSE)
d <- read.csv("data.csv")
ctl <- glm.control(epsilon = 1e-14, maxit = 200)
power <- 1.5
for (i in 1:60) {
  m <- glm(cost ~ score + age, family = statmod::tweedie(var.power = power, link.power = 0), data = d, control = ctl)
  d$eta <- unname(predict(m)); d$r2 <- (d$cost - exp(d$eta))^2
  park <- glm(r2 ~ eta, Gamma("log"), d, control = ctl)
  power <- unname(coef(park)[2])
}
se <- coef_test(park, vcov = "CR2", cluster = d$unit, test = "Satterthwaite")
ml <- glmmTMB(cost ~ score + age, family = glmmTMB::tweedie(), data = d)
psi <- plogis(unname(ml$fit$par["psi"])) + 1
sd <- sqrt(diag(vcov(ml, full = TRUE)))
inner <- unname(sd[length(sd)])  # of psi, the logit of p - 1
golden <- list(power = power, se = se$SE[2], df = if ("df_Satt" %in% names(se)) se$df_Satt[2] else se$df[2], beta = unname(coef(m)),
               ml = list(power = psi, se = inner * (psi - 1) * (2 - psi), beta = unname(fixef(ml)$cond)))
write_json(golden, "golden.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
writeLines(c(R.version.string, sapply(c("clubSandwich", "glmmTMB", "statmod"), function(p) paste(p, packageVersion(p)))), "VERSIONS")
